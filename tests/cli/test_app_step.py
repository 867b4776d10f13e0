"""The step of an app on the embedded cluster: plan, apply, readiness, failure, removal."""

import socket
import sys
import threading
from datetime import timedelta

import pytest

from cli.engine.dcos.apps import manifest_of
from cli.errors import Interrupted, StepFailed, Superseded, WaitTimeout
from cli.steps.app import AppStep

SERVER = (
    "import http.server, os;"
    "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT0'])), http.server.BaseHTTPRequestHandler)"
    ".serve_forever()"
)


def definition(app_id: str, script: str = "import time; time.sleep(600)", **keys):
    return {
        "id": app_id,
        "args": [sys.executable, "-c", script],
        "instances": 1,
        "cpus": 0.1,
        "mem": 32,
        "networks": [{"mode": "host"}],
        "env": {"A": "1"},
        "backoffSeconds": 0,
        "backoffFactor": 1.0,
        "upgradeStrategy": {"minimumHealthCapacity": 0, "maximumOverCapacity": 0},
        "taskKillGracePeriodSeconds": 1,
        **keys,
    }


@pytest.fixture
def step(cluster, request):
    made = []

    def make(script: str = "import time; time.sleep(600)", timeout: float = 30, **keys) -> AppStep:
        app_id = "/t/" + request.node.name.split("[")[0].replace("_", "-")
        app = definition(app_id, script, **keys)
        made.append(
            AppStep(
                "it", manifest_of(app), cluster, depends_on=frozenset(), timeout=timedelta(seconds=timeout)
            )
        )
        return made[-1]

    yield make
    made[-1].remove(str, threading.Event())


@pytest.fixture
def trusted_soon(monkeypatch):
    """For tests of something else than how long a task must run before it counts."""
    monkeypatch.setattr("cli.steps.app.TRUSTED_AFTER", timedelta(seconds=0.2))


def bring_up(step: AppStep) -> list[str]:
    said: list[str] = []
    step.apply(step.plan())
    step.wait(said.append, threading.Event())
    return said


def test_an_app_is_created_waited_for_and_then_unchanged(step):
    it = step()
    assert it.plan().action == "create"
    assert it.state().state == "absent"
    assert bring_up(it)[-1] == "0/1 healthy" or it.state().ready
    assert it.plan().action == "unchanged"
    assert it.plan().diff == []


def test_a_changed_definition_is_shown_and_rolled_out(step, cluster, trusted_soon):
    bring_up(step())
    before = [task.id for task in cluster.tasks(step().app_id)]
    changed = step(env={"A": "2"})
    change = changed.plan()
    assert change.action == "update"
    assert any(line.startswith("+") and '"A": "2"' in line for line in change.diff)
    changed.apply(change)
    changed.wait(str, threading.Event())
    after = [task.id for task in cluster.tasks(changed.app_id)]
    assert len(after) == 1
    assert not set(before) & set(after)


def test_ready_means_healthy_not_running(step):
    never = [
        {
            "protocol": "MESOS_HTTP",
            "path": "/",
            "portIndex": 0,
            "intervalSeconds": 1,
            "gracePeriodSeconds": 60,
        }
    ]
    it = step(SERVER, timeout=3, healthChecks=never, portDefinitions=[{"port": 0, "name": "http"}])
    it.apply(it.plan())
    with pytest.raises(WaitTimeout, match=r"0/1 healthy"):
        it.wait(str, threading.Event())


def test_an_app_that_keeps_failing_ends_the_wait_with_its_last_lines(step):
    it = step("import sys; print('the reason', file=sys.stderr); sys.exit(3)", timeout=60)
    it.apply(it.plan())
    with pytest.raises(StepFailed, match=r"keeps failing[\s\S]*\| the reason"):
        it.wait(str, threading.Event())


def test_an_app_that_failed_for_ever_is_mended_by_the_next_deploy(step, trusted_soon):
    broken = step("raise SystemExit(3)")
    broken.apply(broken.plan())
    bring_up(step())  # its first deployment has not ended: it has to give way


def test_a_taken_port_is_named_while_the_app_waits(step):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        it = step(timeout=3, requirePorts=True, portDefinitions=[{"port": port, "name": "x"}])
        it.apply(it.plan())
        with pytest.raises(WaitTimeout, match=f"port {port} is taken by another process"):
            it.wait(str, threading.Event())


def test_a_deploy_that_somebody_overtakes_ends_at_once(step, cluster, trusted_soon):
    bring_up(step())
    # It is told long before its own timeout.
    mine, theirs = step(SERVER, timeout=3600, env={"A": "mine"}), step(env={"A": "theirs"})
    mine.apply(mine.plan())
    theirs.apply(theirs.plan())
    with pytest.raises(Superseded, match="somebody else deployed after this deploy: app /t/"):
        mine.wait(str, threading.Event())
    theirs.wait(str, threading.Event())


def test_a_stop_ends_the_wait_at_once(step):
    it = step(SERVER, healthChecks=[{"protocol": "MESOS_TCP", "port": 1}])
    it.apply(it.plan())
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        it.wait(str, stop)


def test_removal_waits_until_it_is_gone_and_says_when_there_was_nothing(step, trusted_soon):
    it = step()
    bring_up(it)
    assert it.remove(str, threading.Event()) is True
    assert it.state().state == "absent"
    assert it.remove(str, threading.Event()) is False
