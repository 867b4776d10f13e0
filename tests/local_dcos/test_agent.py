"""The agent itself: starting, stopping, being killed, adopting."""

import json
import os
import shlex
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local_dcos.daemon import STOP_SECONDS
from local_dcos.scheduling import STOP_GRACE_SECONDS

SLEEP = "exec sleep 1000"
# What a busy machine may add to a promised limit.
BUSY_SECONDS = 60.0


def test_start_is_idempotent_and_private(own_cluster):
    again = own_cluster.local_dcos("start")
    assert again.stdout.strip() == own_cluster.url
    assert json.loads((own_cluster.home / "cluster.json").read_text())["pid"] == own_cluster.pid
    assert stat.S_IMODE((own_cluster.home / "token").stat().st_mode) == 0o600
    assert own_cluster.local_dcos("status").stdout.strip() == own_cluster.url
    assert own_cluster.url.startswith("http://127.0.0.1:")
    assert own_cluster.token not in " ".join(psutil.Process(own_cluster.pid).cmdline())
    assert own_cluster.token not in (own_cluster.home / "agent.log").read_text()


def test_two_starts_at_once_make_one_agent(tmp_path):
    command = [sys.executable, "-m", "local_dcos", "start", "--home", str(tmp_path / "c")]
    starts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    urls = {start.communicate(timeout=60)[0].strip() for start in starts}
    try:
        assert len(urls) == 1
        assert [start.returncode for start in starts] == [0, 0, 0]
    finally:
        subprocess.run([*command[:3], "purge", *command[4:]], check=True)


def test_a_second_agent_is_refused(own_cluster):
    refused = own_cluster.local_dcos("serve", check=False)
    assert refused.returncode == 1
    assert str(own_cluster.home) in refused.stderr


def test_an_unwritable_folder_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "cluster"
    command = [sys.executable, "-m", "local_dcos", "start", "--home", str(home)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert str(home) in refused.stderr
    assert "PIPECTL_HOME" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_in_use_is_named(tmp_path: Path, taken_port: int):
    command = [
        sys.executable,
        "-m",
        "local_dcos",
        "start",
        "--home",
        str(tmp_path),
        "--port",
        str(taken_port),
    ]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert f"Port {taken_port} is in use" in refused.stderr


def test_pipectl_home_is_the_default(tmp_path: Path):
    env = {**os.environ, "PIPECTL_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "local_dcos"]
    try:
        subprocess.run([*command, "start"], env=env, check=True, stdout=subprocess.DEVNULL)
        assert (tmp_path / "cluster" / "cluster.json").exists()
    finally:
        subprocess.run([*command, "purge"], env=env, check=True)
    assert not (tmp_path / "cluster").exists()


def test_tasks_get_the_users_certificates_and_proxies_but_not_the_rest(own_cluster, monkeypatch):
    passed = {"REQUESTS_CA_BUNDLE": "/a.pem", "SSL_CERT_FILE": "/b.pem", "HTTPS_PROXY": "http://p:1"}
    for name, value in {**passed, "DCOS_ACS_TOKEN": "secret", "AWS_SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(name, value)
    own_cluster.local_dcos("stop")
    own_cluster.start()
    task = own_cluster.run({"id": "/env", "cmd": "env; echo done; exec sleep 1000"})["tasks"][0]
    stdout = own_cluster.home / "sandboxes" / task["id"] / "stdout"
    own_cluster.wait_for(lambda: stdout.read_text().endswith("done\n"))
    lines = stdout.read_text().splitlines()
    assert [f"{name}={value}" for name, value in passed.items() if f"{name}={value}" not in lines] == []
    assert "secret" not in stdout.read_text()


def test_a_killed_agents_tasks_are_adopted(own_cluster):
    before = own_cluster.run(own_cluster.web("/keep", instances=2))
    own_cluster.kill_agent()
    own_cluster.start()
    own_cluster.wait_for(lambda: own_cluster.app("/keep")["tasksHealthy"] == 2)
    after = own_cluster.app("/keep")
    assert [task["id"] for task in after["tasks"]] == [task["id"] for task in before["tasks"]]
    assert [task["startedAt"] for task in after["tasks"]] == [task["startedAt"] for task in before["tasks"]]
    # Adopted tasks are followed like others.
    victim = after["tasks"][0]["id"]
    pid = next(
        pid for pid in own_cluster.processes() if psutil.Process(pid).environ()["MESOS_TASK_ID"] == victim
    )
    os.kill(pid, signal.SIGKILL)
    own_cluster.wait_for(lambda: own_cluster.app("/keep").get("lastTaskFailure"))
    own_cluster.wait_for(lambda: own_cluster.app("/keep")["tasksHealthy"] == 2)
    own_cluster.marathon("DELETE", "apps/keep")
    own_cluster.wait_for(lambda: own_cluster.processes() == [])


def test_a_task_that_ended_without_an_agent_is_replaced(own_cluster):
    app = own_cluster.run({"id": "/away", "cmd": "echo $$ >pid; setsid sleep 1000 & exec sleep 1000"})
    pid = own_cluster.home / "sandboxes" / app["tasks"][0]["id"] / "pid"
    before = own_cluster.wait_for(lambda: len(own_cluster.processes()) == 2 and own_cluster.processes())
    own_cluster.kill_agent()
    os.kill(int(pid.read_text()), signal.SIGKILL)
    own_cluster.start()
    own_cluster.wait_for(lambda: own_cluster.app("/away")["tasksRunning"] == 1)
    assert "away" in own_cluster.app("/away")["lastTaskFailure"]["message"]
    # Processes outside of the task's group have ended too.
    own_cluster.wait_for(lambda: not set(before) & set(own_cluster.processes()))


def test_the_next_agent_finishes_a_kill(own_cluster):
    deaf = "trap '' TERM; touch deaf; while :; do sleep 0.1; done"
    app = own_cluster.run({"id": "/deaf", "cmd": deaf, "taskKillGracePeriodSeconds": 2})
    first = app["tasks"][0]["id"]
    own_cluster.wait_for((own_cluster.home / "sandboxes" / first / "deaf").exists)
    own_cluster.marathon("DELETE", f"apps/deaf/tasks/{first}")
    own_cluster.wait_for(lambda: "TASK_KILLING" in (own_cluster.home / "state.json").read_text())
    own_cluster.kill_agent()
    own_cluster.start()
    own_cluster.wait_for(lambda: first not in [task["id"] for task in own_cluster.app("/deaf")["tasks"]])
    own_cluster.wait_for(lambda: own_cluster.app("/deaf")["tasksRunning"] == 1)


def test_a_deployment_survives_a_kill_of_the_agent(own_cluster):
    own_cluster.run({"id": "/half", "cmd": SLEEP})
    marker = own_cluster.home.parent / "go"
    check = {"protocol": "COMMAND", "command": {"value": f"test -e {marker}"}, "intervalSeconds": 1}
    answer = own_cluster.marathon("PUT", "apps/half", {"healthChecks": [check]})
    own_cluster.kill_agent()
    own_cluster.start()
    assert own_cluster.marathon("GET", "deployments")[0]["id"] == answer["deploymentId"]
    marker.touch()
    own_cluster.settle()
    app = own_cluster.app("/half")
    assert [task["version"] for task in app["tasks"]] == [answer["version"]]


@pytest.mark.parametrize("killed", [False, True])
def test_stop_leaves_nothing_and_start_brings_the_apps_back(own_cluster, killed):
    own_cluster.run({"id": "/again", "cmd": "setsid sleep 1000 & exec sleep 1000"})
    own_cluster.wait_for(lambda: len(own_cluster.processes()) == 2)
    first = own_cluster.app("/again")["tasks"][0]["id"]
    if killed:
        own_cluster.kill_agent()
    own_cluster.local_dcos("stop")
    assert own_cluster.processes() == []
    assert own_cluster.local_dcos("status", check=False).returncode == 4
    own_cluster.start()
    own_cluster.wait_for(lambda: own_cluster.app("/again")["tasksRunning"] == 1)
    assert own_cluster.app("/again")["tasks"][0]["id"] != first


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_stop_ends_in_time_a_task_that_asks_for_an_hour_and_does_not_end(own_cluster, tmp_path):
    ready = tmp_path / "ready"
    stubborn = f"trap '' TERM; touch {shlex.quote(str(ready))}; while true; do sleep 1; done"
    own_cluster.run({"id": "/stubborn", "cmd": stubborn, "taskKillGracePeriodSeconds": 3600})
    own_cluster.wait_for(ready.exists)
    began = time.monotonic()
    own_cluster.local_dcos("stop")
    seconds = time.monotonic() - began
    assert own_cluster.processes() == []
    # Only an agent that ended by itself has noted the end of its tasks; at the promised limit it is killed.
    assert json.loads((own_cluster.home / "state.json").read_text())["tasks"] == []
    assert STOP_GRACE_SECONDS <= seconds < STOP_SECONDS + BUSY_SECONDS


def test_an_idle_agent_uses_no_cpu(own_cluster):
    own_cluster.run(own_cluster.web("/idle"))
    agent = psutil.Process(own_cluster.pid)
    before, clock = sum(agent.cpu_times()[:2]), time.monotonic()
    own_cluster.wait_for(lambda: time.monotonic() - clock > 2.0)
    # A busy loop would use two seconds.
    assert sum(agent.cpu_times()[:2]) - before < 1.0
