"""Several agents: each task is on one, and ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from local_dcos import processes
from local_dcos.errors import NoOfferError
from local_dcos.home import Home
from local_dcos.nodes import channel
from local_dcos.nodes.nodes import Nodes
from local_dcos.store import State
from tests.local_dcos.conftest import PATIENCE, Cluster, wait_for

IDS = ["local-S1", "local-S2", "local-S3"]
# Longer than the test: the agent does not come back.
AWAY = "3600"


def agents(cluster: Cluster) -> dict[str, dict[str, Any]]:
    status, answer = cluster.call("GET", "/mesos/slaves")
    assert status == 200
    return {agent["id"]: agent for agent in answer["slaves"]}


def up(cluster: Cluster) -> list[str]:
    return [name for name, agent in agents(cluster).items() if agent["active"]]


def places(cluster: Cluster, app_id: str, state: str = "TASK_RUNNING") -> list[str]:
    """The agents of an app's tasks in this state, sorted."""
    return sorted(task["slaveId"] for task in cluster.app(app_id)["tasks"] if task["state"] == state)


def processes_on(cluster: Cluster, agent: str) -> set[int]:
    """The processes of tasks in the sandboxes of an agent."""
    return {
        pid
        for pid in cluster.processes()
        if agent in Path(psutil.Process(pid).environ().get("MESOS_SANDBOX", "")).parts
    }


def ended(pids: set[int]) -> bool:
    return not any(
        psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids
    )


@pytest.mark.slow
def test_an_agent_dies_with_its_tasks_and_others_take_them(
    three_agents: Cluster, tmp_path: Path, dcoscli: Path
) -> None:
    cluster = three_agents
    wait_for(lambda: up(cluster) == IDS)
    size = agents(cluster)["local-S1"]["resources"]["mem"]
    # A second process in a session of its own: the kernel alone does not kill it.
    sleep = {"cmd": "setsid sleep 1000 & exec sleep 1000", "instances": 3}
    later = {"inactiveAfterSeconds": 1, "expungeAfterSeconds": 3600}
    cluster.run({"id": "/now", **sleep})
    cluster.run({"id": "/later", "unreachableStrategy": later, **sleep})
    cluster.run({"id": "/never", "unreachableStrategy": "disabled", **sleep})
    cluster.run({"id": "/big", **sleep, "mem": size * 0.6})
    for app_id in ("/now", "/later", "/never", "/big"):
        assert places(cluster, app_id) == IDS
    assert agents(cluster)["local-S2"]["used_resources"]["cpus"] == 0.4
    before = processes_on(cluster, "local-S2")
    assert len(before) == 8

    killed = cluster.local_dcos("kill-node", "--node", "local-S2", "--seconds", AWAY).stdout.split()
    assert len(killed) == 4
    wait_for(lambda: ended(before))
    wait_for(lambda: up(cluster) == ["local-S1", "local-S3"])
    # At once, after a second, never, and not while no agent has the memory.
    for app_id in ("/now", "/later"):
        wait_for(lambda app_id=app_id: [*map(places(cluster, app_id).count, IDS)] in ([1, 0, 2], [2, 0, 1]))
    (waiting,) = wait_for(lambda: cluster.marathon("GET", "queue")["queue"])
    assert (waiting["app"]["id"], waiting["count"]) == ("/big", 1)
    assert waiting["lastUnusedOffers"][0]["reason"] == ["InsufficientMemory"]
    for app_id, left in (("/now", []), ("/later", ["local-S2"]), ("/never", ["local-S2"])):
        wait_for(lambda app_id=app_id, left=left: places(cluster, app_id, "TASK_UNREACHABLE") == left)
    assert places(cluster, "/never") == ["local-S1", "local-S3"]
    failure = cluster.app("/now")["lastTaskFailure"]
    assert (failure["state"], failure["message"]) == ("TASK_UNREACHABLE", "Agent local-S2 is unreachable")

    # PyPI's own client shows the agents too.
    cluster.attach(tmp_path / "dcos")
    done = subprocess.run(
        [dcoscli, "node"],
        env={**os.environ, "DCOS_DIR": str(tmp_path / "dcos")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert all(name in done.stdout for name in (*IDS, "master (leader)"))

    # Agents and tasks outlive the main process, which watches them again.
    running = set(cluster.processes())
    cluster.kill_agent()
    cluster.start()
    assert set(cluster.processes()) == running
    assert up(cluster) == ["local-S1", "local-S3"]

    # What comes back has no tasks: also those that nothing replaces are launched again.
    before = processes_on(cluster, "local-S3")
    cluster.local_dcos("kill-node", "--node", "local-S3", "--seconds", "1")
    wait_for(lambda: ended(before))
    wait_for(lambda: places(cluster, "/never") == places(cluster, "/big") == ["local-S1", "local-S3"])
    wait_for(lambda: places(cluster, "/never", "TASK_UNREACHABLE") == ["local-S2"])

    # An agent that somebody else kills takes its tasks with it, too.
    state = json.loads((cluster.home / "state.json").read_text())
    (pid,) = [node["pid"] for node in state["nodes"] if node["id"] == "local-S1"]
    before = processes_on(cluster, "local-S1")
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: ended(before))
    wait_for(lambda: up(cluster) == ["local-S3"])

    # An app whose tasks are unreachable can be removed.
    cluster.clear()


def test_an_agent_that_stands_still_holds_up_no_other(three_agents: Cluster) -> None:
    cluster = three_agents
    wait_for(lambda: up(cluster) == IDS)
    state = json.loads((cluster.home / "state.json").read_text())
    (pid,) = [node["pid"] for node in state["nodes"] if node["id"] == "local-S1"]
    cluster.run({"id": "/spread", "cmd": "exec sleep 1000", "instances": 3})
    os.kill(pid, signal.SIGSTOP)
    try:
        cluster.run({"id": "/later", "cmd": "exec sleep 1000", "instances": 6})
        assert set(places(cluster, "/later")) == set(up(cluster)) == {"local-S2", "local-S3"}
        assert "lastTaskFailure" not in cluster.app("/later")
        # A task ends although its agent cannot tell how.
        cluster.marathon("DELETE", "apps//spread")
        wait_for(lambda: [app["id"] for app in cluster.marathon("GET", "apps")["apps"]] == ["/later"])
        assert processes_on(cluster, "local-S1") == set()
        # Neither does a start of the main process change anything.
        cluster.kill_agent()
        cluster.start()
        wait_for(lambda: set(up(cluster)) == {"local-S2", "local-S3"})
        cluster.run({"id": "/later-still", "cmd": "exec sleep 1000", "instances": 2})
        assert set(places(cluster, "/later-still")) <= {"local-S2", "local-S3"}
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: up(cluster) == IDS)
    cluster.run({"id": "/again", "cmd": "exec sleep 1000"})
    assert places(cluster, "/again") == ["local-S1"]
    # What it was asked to start meanwhile does not stay.
    wait_for(lambda: len(processes_on(cluster, "local-S1")) == 1)
    wait_for(lambda: len(list((cluster.home / "agents" / "local-S1" / "sandboxes").iterdir())) == 2)
    cluster.clear()


def test_the_only_agent_is_the_cluster_and_another_number_needs_a_stop(cluster: Cluster) -> None:
    assert up(cluster) == ["local-S0"]
    refused = cluster.local_dcos("kill-node", "--node", "local-S0", check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "The only agent is the cluster itself" in refused.stderr
    refused = cluster.local_dcos("kill-node", "--node", "x/../y", check=False)
    assert "There is no agent x/../y; there are local-S0" in refused.stderr
    refused = cluster.local_dcos("start", "--agents", "3", check=False)
    assert "The cluster runs with 1 agents, not with 3. Stop it first" in refused.stderr
    cluster.local_dcos("start", "--agents", "1")
    for seconds in (0, -1, 1e9, "1", True, None):
        assert cluster.call("POST", "/nodes/local-S0/kill", {"seconds": seconds})[0] == 400


def test_an_agent_that_stood_still_when_the_main_process_started_again_is_not_killed(tmp_path: Path) -> None:
    home: Any = SimpleNamespace(agents_wanted=lambda: 2, agents=tmp_path)
    state, returned = State(Home(tmp_path)), list[str]()
    nodes = Nodes(home, state, lambda: None)
    node, other = state.nodes.values()
    # The other one stays away.
    other.back_at = time.time() + 3600
    (tmp_path / node.id).mkdir()

    async def adopt(pid: int, server: socket.socket) -> None:
        node.pid, node.created = pid, processes.identity(pid) or 0.0
        nodes.start(returned.append)
        async with asyncio.timeout(PATIENCE):
            while not node.up:
                await asyncio.sleep(0.01)
            # It takes no task, and can be killed by its name.
            assert (node.is_active, returned) == (False, [])
            with contextlib.suppress(NoOfferError):
                pytest.fail(f"{nodes.place({'mem': 1})} takes a task")
            connection, _ = await asyncio.to_thread(server.accept)
            with connection:
                connection.sendall(b"{}\n")
                while not node.is_active:
                    await asyncio.sleep(0.01)
        assert returned == [node.id]

    with (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]) as process,
        channel.listen(tmp_path / node.id) as server,
    ):
        try:
            asyncio.run(adopt(process.pid, server))
            assert process.poll() is None
        finally:
            process.kill()


def test_an_agent_that_ends_just_before_it_is_killed_stays_away(tmp_path: Path) -> None:
    home: Any = SimpleNamespace(agents_wanted=lambda: 2, agents=Path())
    state = State(Home(tmp_path))
    nodes = Nodes(home, state, lambda: None)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended_already:
        pass
    node = state.nodes["local-S1"]
    node.up, node.pid = True, ended_already.pid
    assert nodes.kill("local-S1", 60) == []
    assert not node.up and node.back_at > time.time()
