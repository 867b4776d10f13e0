"""A `dcos` that fails at its n-th call, with real apps and real kills: deploying again converges.

test_every_fault.py has every kind of fault at every call, on a cluster in memory.
"""

import multiprocessing
import signal

import pytest

from cli.errors import Conflict, Invalid, NotAllowed, NotLoggedIn, PipectlError

pytestmark = pytest.mark.slow

# More calls than a deploy of the small bundle makes; the last test holds that.
CALLS = 30
UNPROCESSABLE = (
    'Error while fetching [http://x/service/marathon/v2/apps]: HTTP 422: "{"message": "Object is not valid", '
    '"details": [{"path": "/cpus", "errors": ["must be positive"]}]}".'
)
# As PyPI's dcoscli, the Go client and `dcos kafka` print them.
FAULTS = {
    "401": {"say": "Your core.dcos_acs_token is invalid. Please run: `dcos auth login`"},
    "lost": {"say": "URL [http://x/service/marathon/v2/apps] is unreachable.", "after": True},
    "403": {"say": "You are not authorized to perform this operation."},
    "kill": {"kill": True},
    "409": {"say": "Changes blocked: deployment already in progress for app."},
    "422": {"say": UNPROCESSABLE},
    "kill-after": {"kill": True, "after": True},
    "hang": {"hang": True},
    "lost-hang": {"hang": True, "after": True},
}
PASSING = {"lost", "409", "hang", "lost-hang"}
DEADLY = {"kill", "kill-after"}
KINDS = ("kill", "hang", "kill-after", "lost", "422", "403", "lost-hang")
CHANGING = ("package install kafka", "topic create position.A", "app add")


# The others are in the long form. test_every_fault.py has their kinds at every call, on a cluster in memory:
# a refused definition, a lost answer, a `dcos` that hangs before it does anything.
SHORT = {
    ("topic create position.A", "lost-hang"),
    ("app add", "kill-after"),
}


def cases():
    """A fault at every third call, and the worst ways to lose an answer at what changes."""
    every_third = [(n, KINDS[n // 3 % len(KINDS)]) for n in range(1, CALLS + 1, 3)]
    changing = [(command, kind) for command in CHANGING for kind in ("lost-hang", "kill-after")]
    found = [*every_third, *changing]
    assert {*found} >= SHORT
    for at, kind in found:
        marks = () if (at, kind) in SHORT else pytest.mark.long
        yield pytest.param(at, kind, id=f"{str(at).replace(' ', '-')}-{kind}", marks=marks)


def in_a_process_of_its_own(deploy) -> int:
    """The exit code of the process that ran `deploy`, or minus its signal.

    A fresh process: a fork of this one would have its locks, and not the threads that hold them.
    """
    process = multiprocessing.get_context("spawn").Process(target=deploy)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def was_met(small, at) -> bool:
    return len(small.calls) >= at if isinstance(at, int) else any(at in call for call in small.calls)


def check_converged(small) -> None:
    """Check that everything exists once, runs as wanted, and that a plan has no changes."""
    small.mend()
    small.deploy()
    small.mend()
    assert small.plan().changed == []
    apps = small.apps()
    assert apps.keys() == {"flink-taskmanager", "data-generator"}
    for app in apps.values():
        assert (app["tasksRunning"], app["tasksHealthy"], app["deployments"]) == (1, 1, [])
    assert len(small.service["installed"]) == 1
    shared = {"movingaverage", "signals", "dead_letter", "limits"}
    assert small.service["topics"].keys() == {"position.A", *shared}


@pytest.mark.parametrize(("at", "kind"), list(cases()))
def test_a_failed_call_is_reported_and_the_next_deploy_converges(small, at, kind):
    small.timeout = 3.0 if "hang" in kind else 20.0
    small.fail(at=at, **FAULTS[kind])
    if kind in DEADLY:
        code = in_a_process_of_its_own(small.deploy)
        assert code in {0, -signal.SIGKILL}
        assert was_met(small, at) == (code == -signal.SIGKILL)
        small.timeout = 20.0
        check_converged(small)
        return
    try:
        small.deploy()
    except PipectlError as error:
        assert was_met(small, at)
        assert kind not in PASSING, error.message
        assert error.exit_code == 1
        assert error.hint
        assert {"403": "403", "422": "/cpus: must be positive"}[kind] in error.message
        assert "dcos " in error.message
    else:
        # Then it was made good, and what is claimed done is.
        assert kind != "403" or not was_met(small, at)
        small.mend()
        assert small.plan().changed == []
    check_converged(small)


@pytest.mark.parametrize(
    ("kind", "error", "tries"),
    [("401", NotLoggedIn, 1), ("403", NotAllowed, 1), ("422", Invalid, 1), ("409", Conflict, 4)],
)
def test_what_passes_is_tried_again_up_to_a_limit_and_nothing_else(small, kind, error, tries):
    small.fail(at=1, until=100, **FAULTS[kind])
    with pytest.raises(error) as caught:
        small.deploy()
    assert caught.value.hint
    assert small.calls == ["marathon about"] * tries


def test_a_deploy_makes_no_more_calls_than_are_tested_here(small):
    small.mend()
    small.deploy()
    assert len(small.calls) <= CALLS
