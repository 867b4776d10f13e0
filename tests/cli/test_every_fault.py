"""Every kind of fault at every single `dcos` call of a deploy, an upgrade and a destroy of the whole bundle.

Whatever fails: what is claimed done is done, the message names the cause and the next step, and the same
command again converges. The cluster is in memory; test_faults.py has real apps and real kills.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count, product
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from cli import errors
from cli.__main__ import pipectl
from cli.catalogue import load_settings
from cli.engine.dcos import faults
from cli.live_config import LiveConfig
from kafka_topic.contracts.moving_average import MovingAverage
from marathon import render
from tests.cli.dcos_in_process import Fault, Killed, World

# What the real clients print: PyPI's dcoscli, the Go client, `dcos kafka`.
FAULTS = {
    "401": Fault("Your core.dcos_acs_token is invalid. Please run: `dcos auth login`"),
    "401 for good": Fault("Authentication failed. Please run `dcos auth login`.", for_good=True),
    "403": Fault("You are not authorized to perform this operation."),
    "404": Fault('Error while fetching [http://x/]: HTTP 404: "Not Found".'),
    "409 locked": Fault("App is locked by one or more deployments. Override with the option '?force=true'."),
    "409 for good": Fault("Changes blocked: deployment already in progress for app.", for_good=True),
    "422": Fault(
        'Error while fetching [http://x/v2/apps]: HTTP 422: "{"message": "Object is not valid", '
        '"details": [{"path": "/cpus", "errors": ["must be positive"]}]}".'
    ),
    "502, carried out": Fault('Error while fetching [http://x]: HTTP 502: "Bad Gateway".', after=True),
    "503": Fault("Error decoding response from [http://x]: HTTP 503: Service Unavailable"),
    "503 for good": Fault("HTTP GET Query for http://x failed: 503 Service Unavailable", for_good=True),
    "not JSON": Fault("Error: Response from Marathon was not in expected JSON format:\n<html>hello</html>"),
    "not JSON, exit 0": Fault("<html>Sign in to the hotel's network</html>", code=0),
    "hang": Fault(hang=True),
    "hang, carried out": Fault(hang=True, after=True),
    "hang for good": Fault(hang=True, for_good=True),
    "unknown": Fault("Traceback: something that nobody has seen"),
    "kill": Fault(kill=True),
    "kill, carried out": Fault(kill=True, after=True),
}
# One of each class: the user's, a conflict, an invalid definition, lost before and after the change.
OF_EACH_CLASS = {"403", "409 locked", "422", "503", "hang, carried out", "kill, carried out"}
# The user has to do something about it: it must not be passed over.
THE_USERS = {"401", "401 for good", "403"}
CAUSES = {
    "401": errors.NotLoggedIn.cause,
    "401 for good": errors.NotLoggedIn.cause,
    "403": errors.NotAllowed.cause,
    "404": "404",
    "409 locked": errors.Conflict.cause,
    "409 for good": errors.Conflict.cause,
    "422": "/cpus: must be positive",
    "not JSON": faults.UnexpectedResponse.cause,
    "hang for good": "did not answer in time",
}
SETTINGS = ("--set", "positions=[AAPL]", "--set", "kafka.bootstrap_servers='127.0.0.1:1'")
CHANGED = ("--set", "generator.rate=20", "--set", "flink.taskmanager.slots=3")
MAKERS = [
    "/kafka",
    *(
        f"/volatility/{name}"
        for name in ("data-generator", "flink-jobmanager", "flink-taskmanager", "gatherer")
    ),
]
TOPICS = {"position.AAPL", "movingaverage", "signals", "dead_letter", "limits"}
# What is run on what is there, and so what should be there then.
OPERATIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    "deploy": (("deploy", "--yes"),),
    "upgrade": (("deploy", "--yes"), ("deploy", "--yes", *CHANGED)),
    "destroy": (("deploy", "--yes"), ("destroy", "--yes", "--delete-topics")),
}


@pytest.fixture
def world(monkeypatch, tmp_path):
    """An in-memory cluster. `pipectl` never sleeps: each reading of the clock is 10 s later."""
    clock = SimpleNamespace(monotonic=count(step=10).__next__)
    made = World()
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    monkeypatch.setattr("cli.steps.base.time", clock)
    monkeypatch.setattr("cli.steps.base.POLL_SECONDS", 0.0)
    monkeypatch.setattr("cli.steps.base.PAUSE_PER_LOOK", 0.0)
    monkeypatch.setattr("cli.engine.dcos.snapshot.SNAPSHOT_SECONDS", -1.0)
    monkeypatch.setattr("cli.engine.dcos.Dcos", lambda *args, **kwargs: made.dcos(*args, **kwargs))
    monkeypatch.setattr("cli.session.load_settings", _load_once)
    monkeypatch.setattr("cli.session.render", _render_once)
    monkeypatch.setattr("cli.verify.fresh_records", records_of(made))
    return made


def records_of(world: World) -> Callable[..., dict[str, MovingAverage]]:
    """What pipectl finds when it looks for records: there are some once all that makes them is healthy."""

    def fresh_records(bundle: LiveConfig, *, timeout: timedelta, **_: object) -> dict[str, MovingAverage]:
        made = world.topics.keys() >= TOPICS and all(world.looked.get(app, 0) > 1 for app in MAKERS)
        if not made:
            raise errors.WaitTimeout(f"waited {timeout} for fresh records", hint="see `pipectl status`")
        end = datetime(2026, 1, 1, tzinfo=UTC)
        window = end - timedelta(seconds=10), end
        return {
            symbol: MovingAverage(symbol, *window, 1, 1.0, 1.0, 1.0, 1.0, None, None)
            for symbol in bundle.positions
        }

    return fresh_records


_load, _render = cache(load_settings), render
_rendered: dict[object, object] = {}


def _load_once(cluster, *, files, overrides, warn, area):
    return _load(cluster, files=tuple(files), overrides=tuple(overrides), area=area)


def _render_once(settings, *, with_parts):
    # Settings are loaded once each, so that their identity tells them.
    key = (id(settings), with_parts)
    if key not in _rendered:
        _rendered[key] = _render(settings, with_parts=with_parts)
    return _rendered[key]


def run(*args: str) -> Result:
    """Run `pipectl ARGS`."""
    return CliRunner().invoke(pipectl, [args[0], "--cluster", "prod", *SETTINGS, *args[1:]])


def claims_hold(world: World, output: str, *, removed: bool) -> bool:
    """Check that every component that the output marks as done is in the right state."""
    done = set(re.findall(r"✓ (\S+):", output)) - {"plan", "data"}
    for name in done:
        match name:
            case "kafka":
                holds = len(world.installed) == 1
            case "topics":
                holds = world.topics.keys() == (set() if removed else TOPICS)
            case _ if removed:
                holds = f"/volatility/{name}" not in world.apps
            case _:
                holds = world.looked.get(f"/volatility/{name}", 0) > 1
        if not holds:
            return False
    return True


def cases():
    """Every fault in every operation. Most are long outside a deploy, whose calls are much like theirs."""
    for operation, kind in product(OPERATIONS, FAULTS):
        marks = [pytest.mark.long] if operation != "deploy" and kind not in OF_EACH_CLASS else []
        yield pytest.param(operation, kind, id=f"{operation}-{kind}", marks=marks)


@pytest.mark.parametrize(("operation", "kind"), [*cases()])
def test_whatever_call_fails_and_however(world, operation, kind):
    *before, command = OPERATIONS[operation]
    for earlier in before:
        assert run(*earlier).exit_code == 0
    began = world.state()
    assert run(*command).exit_code == 0
    wanted, calls = world.state(), 0
    if command[0] == "deploy":
        assert run("plan", *command[2:]).exit_code == 0

    while calls == 0 or world.met:
        calls += 1
        world.become(began)
        world.fail(calls, FAULTS[kind])
        try:
            result = run(*command)
        except Killed:
            result = None
        met, said = world.met, f"{kind} at call {calls}"
        if result is not None:
            said += f", `dcos {world.calls[calls - 1] if met else ''}`:\n{result.output}"
            assert result.exception is None or isinstance(result.exception, SystemExit), said
            if result.exit_code == 0:
                assert not (met and kind in THE_USERS) or passed_over(world.calls[calls - 1], result), said
                assert world.state() == wanted, f"claimed done, and it is not: {said}"
                assert (command[0] == "deploy") == ("data flows on all 1 positions" in result.output), said
            else:
                check_told(kind, result, said)
            assert claims_hold(world, result.output, removed=command[0] == "destroy"), said
        world.mend()
        again = run(*command)
        assert (again.exit_code, world.state()) == (0, wanted), f"{said}\nand again:\n{again.output}"
        world.calls = [""] * calls if met else []
        world.at = calls
    assert calls > 10


def passed_over(call: str, result: Result) -> bool:
    """Check that it was only the switch of the live page that failed: that is no reason to fail."""
    return call.startswith("cluster list") and "warning: the live page offers the same" in result.output


def check_told(kind: str, result: Result, said: str) -> None:
    """A failure names its cause, the command and the next step."""
    assert result.exit_code in (1, 3), said
    for each in ("error: ", "dcos ", "next: "):
        assert each in result.output, said
    # A wait that runs out says what it waited for.
    assert CAUSES.get(kind, "") in result.output or "error: waited" in result.output, said
    assert "data flows" not in result.output, said
