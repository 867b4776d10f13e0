"""A `dcos` that fails at its n-th call, for every n: the cause is named, and deploying again converges."""

import os
import signal

import pytest

from cli.errors import Locked, NotAllowed, NotLoggedIn, PipectlError, Refused

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
    "503": {"say": "Error decoding response from [http://x/]: HTTP 503: Service Unavailable"},
    "404": {"say": 'Error while fetching [http://x/]: HTTP 404: "Not Found".'},
    "kill-after": {"kill": True, "after": True},
    "refused": {"say": "HTTP GET Query for http://x/ failed: [Errno 111] Connection refused"},
    "not-json": {"say": "Error: Response from Marathon was not in expected JSON format:\n<html>hello</html>"},
    "hang": {"hang": True},
    "lost-hang": {"hang": True, "after": True},
}
PASSING = {"lost", "409", "503", "refused", "hang", "lost-hang"}
DEADLY = {"kill", "kill-after"}
KINDS = list(FAULTS)


CHANGING = ("package install kafka", "topic create position.A", "app add")


def cases():
    """A fault at every call, each kind at two of them, and every way to lose an answer at what changes."""
    for n in range(1, CALLS + 1):
        yield pytest.param(n, KINDS[n % len(KINDS)], id=f"{n}-{KINDS[n % len(KINDS)]}")
    for command in CHANGING:
        for kind in ("lost", "lost-hang", "kill-after", "422"):
            yield pytest.param(command, kind, id=f"{command.replace(' ', '-')}-{kind}")


def in_a_process_of_its_own(deploy) -> int:
    """How the process ended that ran `deploy`: an exit code, or minus the signal."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            deploy()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def was_met(small, at) -> bool:
    return len(small.calls) >= at if isinstance(at, int) else any(at in call for call in small.calls)


def check_converged(small) -> None:
    """Everything is there once, as wanted and running, and a plan finds nothing to do."""
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
def test_a_deploy_that_fails_at_any_call_is_honest_and_the_next_converges(small, at, kind):
    small.timeout = 3.0 if "hang" in kind else 20.0
    small.fail(at=at, **FAULTS[kind])
    if kind in DEADLY:
        code = in_a_process_of_its_own(small.deploy)
        assert code == (-signal.SIGKILL if was_met(small, at) else 0)
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
        said = {"401": "401", "403": "403", "404": "404", "422": "/cpus: must be positive", "not-json": ""}
        assert said[kind] in error.message
        assert "dcos " in error.message
    else:
        # Then it was made good, and what is claimed done is.
        assert kind not in {"401", "403"} or not was_met(small, at)
        small.mend()
        assert small.plan().changed == []
    check_converged(small)


@pytest.mark.parametrize(
    ("kind", "error", "tries"),
    [("401", NotLoggedIn, 1), ("403", NotAllowed, 1), ("422", Refused, 1), ("409", Locked, 4)],
)
def test_what_passes_is_tried_again_up_to_a_limit_and_nothing_else(small, kind, error, tries):
    small.fail(at=1, until=100, **FAULTS[kind])
    with pytest.raises(error) as caught:
        small.deploy()
    assert caught.value.hint
    assert small.calls == ["marathon about"] * tries


def test_every_call_of_a_deploy_is_among_those_that_fail_here(small):
    small.mend()
    small.deploy()
    assert len(small.calls) <= CALLS
