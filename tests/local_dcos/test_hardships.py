"""No request and no disk error stops the scheduler: a canary app runs afterwards."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from local_dcos import processes
from local_dcos.errors import HomeError
from local_dcos.home import Home
from local_dcos.model import App
from local_dcos.store import State
from tests.local_dcos.conftest import PATIENCE

SLEEP = "exec sleep 1000"
CANARY_SECONDS = 5.0
# Apps that an older agent, or an edit of the file, may have left in the state.
BROKEN: dict[str, dict[str, Any]] = {
    "/" + "a" * 230: {},
    "/secret": {"env": {"KEY": {"secret": "key"}}, "secrets": {"key": {}}},
    "/text": {"cmd": None, "args": ["\ud800"]},
    "/outside": {"env": {"KEY": {"secret": "key"}}, "secrets": {"key": {"source": "../token"}}},
    "/less": {"mem": None},
    "/shape": {"upgradeStrategy": 5},
    "/check": {"healthChecks": [{}]},
}


def canary(cluster, name="/canary"):
    """Checks that a new app runs within seconds."""
    cluster.marathon("PUT", f"apps{name}?force=true", {"cmd": SLEEP, "mem": 16, "cpus": 0.1})
    cluster.wait_for(lambda: cluster.app(name)["tasksRunning"] == 1, CANARY_SECONDS)


def stop_in_time(cluster, seconds=PATIENCE):
    begun = time.monotonic()
    cluster.local_dcos("stop")
    assert time.monotonic() - begun < seconds
    assert cluster.processes() == []


def test_each_broken_app_fails_alone_with_a_reason(own_cluster):
    own_cluster.run({"id": "/good", "cmd": SLEEP})
    own_cluster.local_dcos("stop")
    file = own_cluster.home / "state.json"
    state = json.loads(file.read_text())
    good = state["apps"][0]
    for app_id, change in BROKEN.items():
        definition = {**good["definition"], **change, "id": app_id}
        state["apps"].insert(0, {**good, "definition": definition, "versions": {}})
    file.write_text(json.dumps(state))
    for _ in range(2):
        own_cluster.start()
        canary(own_cluster)
        own_cluster.wait_for(lambda: own_cluster.app("/good")["tasksRunning"] == 1)
        for app_id in BROKEN:
            if app_id == "/check":
                # It runs but is never healthy.
                own_cluster.wait_for(lambda: own_cluster.app("/check")["tasksRunning"] == 1)
                continue
            failure = own_cluster.wait_for(lambda: own_cluster.app(app_id).get("lastTaskFailure"))  # noqa: B023
            assert failure["message"]
        own_cluster.kill_agent()
    own_cluster.start()
    stop_in_time(own_cluster)


def test_an_app_without_back_off_does_not_block_others(cluster):
    never = {"id": "/never", "args": ["/no/such/program"], "backoffSeconds": 0, "maxLaunchDelaySeconds": 0}
    cluster.marathon("POST", "apps", never)
    cluster.marathon("POST", "apps", {"id": "/ends", "cmd": "true", "backoffSeconds": 0})
    canary(cluster)


def test_an_app_of_many_instances_does_not_block_others(cluster):
    cluster.marathon("POST", "apps", {"id": "/many", "cmd": SLEEP, "instances": 60, "mem": 1})
    canary(cluster)
    cluster.wait_for(lambda: cluster.app("/many")["tasksRunning"] == 60, 30)


def fail_writes(pid, failing=True):
    """Makes every write of process `pid` fail, as on a full disk, or ends that."""
    limit = 0 if failing else resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_a_full_disk_stops_nothing_and_is_reported(own_cluster):
    own_cluster.run({"id": "/before", "cmd": SLEEP})
    own_cluster.run({"id": "/gone", "cmd": SLEEP})
    pid, first = own_cluster.pid, own_cluster.app("/before")["tasks"][0]["id"]
    fail_writes(pid)
    status, said = own_cluster.call("POST", "/service/marathon/v2/apps", {"id": "/more", "cmd": SLEEP})
    assert (status, "state.json" in said["message"]) == (503, True)
    assert own_cluster.app("/more") is None
    # Apps can be removed, and running tasks are followed and replaced.
    own_cluster.marathon("DELETE", "apps/gone")
    own_cluster.wait_for(lambda: own_cluster.app("/gone") is None)
    own_cluster.marathon("DELETE", f"apps/before/tasks/{first}")
    task = own_cluster.wait_for(
        lambda: [t for t in own_cluster.app("/before")["tasks"] if t["id"] != first and t["startedAt"]]
    )[0]
    assert task["id"] not in (own_cluster.home / "state.json").read_text()
    fail_writes(pid, failing=False)
    own_cluster.wait_for(lambda: task["id"] in (own_cluster.home / "state.json").read_text(), CANARY_SECONDS)
    canary(own_cluster)
    assert "could not be saved" in (own_cluster.home / "agent.log").read_text()
    fail_writes(pid)
    stop_in_time(own_cluster)


@pytest.fixture
def saved(tmp_path):
    """A home in which two states were saved, one after the other."""
    home = Home(tmp_path / "home")
    home.create()
    state = State(home)
    for name in ("/one", "/two"):
        state.apps[name] = App({"id": name})
        state.save()
    return home


def test_a_truncated_state_is_replaced_by_the_last_good_copy(saved):
    whole = saved.state_file.read_bytes()
    assert set(State(saved).apps) == {"/one", "/two"}
    for length in range(len(whole)):
        saved.state_file.write_bytes(whole[:length])
        assert set(State(saved).apps) == {"/one"}
        assert saved.damaged_state.read_bytes() == whole[:length]
        assert not saved.state_file.exists()


def test_without_a_good_copy_the_error_names_the_file_and_the_next_step(saved):
    saved.previous_state.unlink()
    for text in ("", "{", "[]", "null", '{"apps": [{"id": 1}]}', "\udcff", "[" * 100_000):
        saved.state_file.write_text(text, errors="surrogateescape")
        with pytest.raises(HomeError, match=f"mv {saved.state_file} "):
            State(saved)
        assert saved.state_file.exists()


def test_a_deployment_of_an_older_agent_is_dropped_and_its_apps_are_kept(saved):
    document = json.loads(saved.state_file.read_text())
    old = {
        "version": "2026-11-28T10:00:00.000Z",
        "steps": [],
        "previous": {"/one": None},
        "id": "d",
        "step": 0,
    }
    saved.state_file.write_text(json.dumps({**document, "deployments": [old]}))
    state = State(saved)
    assert (set(state.apps), state.deployments) == ({"/one", "/two"}, {})
    assert not saved.damaged_state.exists()


def test_an_agent_starts_from_the_last_good_copy_and_logs_it(own_cluster):
    own_cluster.run({"id": "/kept", "cmd": SLEEP})
    own_cluster.local_dcos("stop")
    file = own_cluster.home / "state.json"
    file.write_bytes(file.read_bytes()[:100])
    own_cluster.start()
    own_cluster.wait_for(lambda: own_cluster.app("/kept")["tasksRunning"] == 1)
    assert "state.damaged.json" in (own_cluster.home / "agent.log").read_text()


def test_a_process_is_followed_without_a_free_descriptor(monkeypatch):
    import asyncio

    def none_left(pid):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", none_left, raising=False)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.2)"]) as child:
        asyncio.run(asyncio.wait_for(processes.wait_for_exit(child.pid, processes.identity(child.pid)), 10))


def test_stop_limits_the_grace_period(tmp_path):
    script = (
        "import sys; from pathlib import Path; from local_dcos import scheduling, server, home\n"
        "scheduling.STOP_GRACE_SECONDS = 1.0\n"
        "server.serve(home.Home(Path(sys.argv[1])), 0)"
    )
    home = Home(tmp_path / "home")
    home.create()
    app = {"id": "/deaf", "cmd": "trap '' TERM; touch deaf; while :; do sleep 0.1; done"}
    with subprocess.Popen([sys.executable, "-c", script, str(home.path)], stdout=subprocess.PIPE) as agent:
        try:
            url = agent.stdout.readline().decode().strip()
            client = [sys.executable, "-m", "local_dcos.client", "marathon", "app", "add"]
            subprocess.run(
                client,
                input=json.dumps({**app, "taskKillGracePeriodSeconds": 100_000}),
                text=True,
                check=True,
                env={**os.environ, "DCOS_URL": url, "DCOS_ACS_TOKEN": home.token()},
                stdout=subprocess.DEVNULL,
            )
            deadline = time.monotonic() + PATIENCE
            while not list(home.sandboxes.glob("*/deaf")):
                assert time.monotonic() < deadline, "the task does not run"
                time.sleep(0.02)
            agent.send_signal(signal.SIGTERM)
            assert agent.wait(PATIENCE) == 0
            assert processes.marked(home.path, lambda _: True) == []
        finally:
            agent.kill()
            processes.end_marked(home.path, lambda _: True)
