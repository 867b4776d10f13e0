"""The agents of a cluster, and killing one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from cli import local
from cli.engine.dcos.client import LOCAL_CLIENT, local_environ
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.nodes import nodes
from cli.engine.dcos.runner import Dcos
from cli.engine.protocol import Manifest
from cli.engine.surroundings import NodeStatus
from cli.steps.base import wait_until
from marathon.durations import parse_duration
from tests.cli.invoking import invoke


@pytest.fixture
def two_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DcosEngine]:
    """A cluster with two agents, and an app with a task on each."""
    agent, home = [sys.executable, "-m", "local_dcos"], str(tmp_path / "cluster")
    subprocess.run([*agent, "start", "--home", home, "--agents", "2"], check=True, capture_output=True)
    try:
        monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
        engine = DcosEngine(Dcos(LOCAL_CLIENT, {**os.environ, **local_environ(*local.address())}, timeout=60))
        until(lambda: all(node.up for node in engine.nodes()), "two agents")
        create(engine, "/a/b")
        until(lambda: [len(node.apps) for node in engine.nodes()] == [1, 1], "a task on each agent")
        yield engine
    finally:
        subprocess.run([*agent, "purge", "--home", home], check=True, capture_output=True)


def create(engine: DcosEngine, app_id: str) -> None:
    document = {"id": app_id, "cmd": "exec sleep 1000", "instances": 2, "cpus": 0.1, "mem": 32}
    engine.create(Manifest(app_id, {}, 2, {}, document))


def until(reached: Any, what: str) -> None:
    wait_until(reached, what=what, timeout=parse_duration("60s"), stop=threading.Event())


def test_an_agent_is_killed_and_shown(two_agents: DcosEngine, tmp_path: Path) -> None:
    shown = json.loads(invoke(tmp_path, "nodes", "-o", "json").output)["nodes"]
    mem = shown[0].pop("mem")
    assert shown[0] == {
        "node": "local-S1",
        "address": "127.0.0.1",
        "state": "up",
        "cpus": os.cpu_count(),
        "used_cpus": 0.1,
        "used_mem": 32,
        "apps": ["/a/b"],
    }
    assert f"32 of {mem}" in invoke(tmp_path, "nodes").output
    for arguments, message, hint in (
        (("local-S9", "--yes"), "cluster local has no agent local-S9", "local-S1, local-S2"),
        (("local-S2",), "this would kill agent local-S2 with /a/b, but", "--yes"),
        (("local-S2", "--yes", "--away", "1y"), "--away 1y", "30s"),
        (("local-S2", "--yes", "--away", "2d"), "--away 2d is out of range", "at most 1d"),
    ):
        error = invoke(tmp_path, "chaos", "kill-node", *arguments, code=2).exception
        assert message in str(error)
        assert hint in getattr(error, "hint", "")
    done = invoke(tmp_path, "chaos", "kill-node", "local-S2", "--yes", "--away", "1h", "-o", "json")
    document = json.loads(done.output)
    assert [document["node"], document["back_in_seconds"], len(document["killed"])] == ["local-S2", 3600, 1]
    until(lambda: [len(node.apps) for node in two_agents.nodes()] == [2, 0], "both tasks on the other agent")
    assert [node.up for node in two_agents.nodes()] == [True, False]
    again = invoke(tmp_path, "chaos", "kill-node", "local-S2", "--yes", code=1).exception
    assert "Agent local-S2 does not run now; it comes back in 3" in str(again)


def test_an_agent_that_stands_still_is_shown_as_down_until_it_answers(
    two_agents: DcosEngine, tmp_path: Path
) -> None:
    def shown() -> list[list[str]]:
        lines = invoke(tmp_path, "nodes").output.splitlines()
        return [line.split()[:3] for line in lines if line.startswith("local-")]

    state = json.loads((tmp_path / "cluster" / "state.json").read_text())
    (pid,) = [node["pid"] for node in state["nodes"] if node["id"] == "local-S2"]
    here = "127.0.0.1"
    os.kill(pid, signal.SIGSTOP)
    try:
        # It shows when the agent is asked to start a task.
        create(two_agents, "/more")
        until(
            lambda: shown() == [["local-S1", here, "up"], ["local-S2", here, "down"]],
            "an agent that is shown as down",
        )
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: shown() == [["local-S1", here, "up"], ["local-S2", here, "up"]], "both agents shown as up")


def test_nothing_is_killed_on_a_cluster_elsewhere(tmp_path: Path) -> None:
    arguments = ("chaos", "kill-node", "20a1-S3", "--cluster", "prod", "--yes")
    error = invoke(tmp_path, *arguments, code=2).exception
    assert str(error) == "prod is not a local cluster, and `chaos` kills nothing elsewhere"


def test_what_a_client_does_not_say_is_unknown() -> None:
    class Client:
        def json(self, args: list[str]) -> Any:
            if args[0] == "marathon":
                return [{"appId": app, "slaveId": agent} for app, agent in (("/b", "1"), ("/a", "1"))]
            agents = [
                {"id": "1", "hostname": "10.0.0.1", "type": "agent"},
                {
                    "id": "2",
                    "hostname": "10.0.0.2",
                    "type": "agent",
                    "active": False,
                    "resources": {"cpus": 4, "mem": 8192},
                    "used_resources": {"cpus": 1.5, "mem": 512},
                },
            ]
            return [{"ip": "10.0.0.9", "type": "master (leader)"}, *agents]

    assert nodes(cast(Dcos, Client())) == [
        NodeStatus("1", "10.0.0.1", True, None, None, None, None, ("/a", "/b")),
        NodeStatus("2", "10.0.0.2", False, 4, 8192, 1.5, 512, ()),
    ]
