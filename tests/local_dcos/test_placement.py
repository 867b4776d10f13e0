"""Which agent takes a task, without any process."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from local_dcos import defaults, processes
from local_dcos.errors import NoOfferError
from local_dcos.home import OWN_AGENT, Home
from local_dcos.jobs.model import Job, Run
from local_dcos.model import App, Task
from local_dcos.nodes.nodes import Nodes
from local_dcos.stamps import stamp
from local_dcos.store import State


def cluster_of(folder: Path, agents: int) -> tuple[State, Nodes]:
    home = Home(folder)
    home.create()
    home.announce(0, "", 0, agents)
    state = State(home)
    nodes = Nodes(home, state, lambda: None)
    for node in state.nodes.values():
        node.up = True
    return state, nodes


def launch(state: State, nodes: Nodes, mem: float, app_id: str = "/a") -> str:
    """Places a task and returns its agent."""
    definition = {"mem": mem, "cpus": 0.1, "version": str(mem)}
    app = state.apps.setdefault(f"{app_id}{mem}", App({"id": f"{app_id}{mem}", **definition}))
    task = Task(f"task-{len(state.tasks)}", app.id, app.version, agent_id=nodes.place(definition))
    state.tasks[task.id] = task
    return task.agent_id


def test_tasks_are_spread_by_free_memory(tmp_path: Path) -> None:
    state, nodes = cluster_of(tmp_path, 3)
    assert [launch(state, nodes, mem) for mem in (100, 60, 30, 20, 20)] == [
        "local-S1",
        "local-S2",
        "local-S3",
        "local-S3",
        "local-S3",
    ]
    assert launch(state, nodes, 10) == "local-S2"
    assert nodes.used(state.nodes["local-S3"]) == {"cpus": 0.3, "mem": 70}


def test_an_agent_that_is_down_gets_none_and_a_full_one_neither(tmp_path: Path) -> None:
    state, nodes = cluster_of(tmp_path, 2)
    state.nodes["local-S1"].up = False
    most = nodes.size
    assert launch(state, nodes, most - 100) == "local-S2"
    with pytest.raises(NoOfferError, match=r"No agent has 101 MiB free") as error:
        nodes.place({"mem": 101})
    assert error.value.reason == "InsufficientMemory"
    with pytest.raises(NoOfferError, match="more memory than an agent has"):
        nodes.place({"mem": most + 1})
    state.nodes["local-S1"].up = True
    assert launch(state, nodes, 101) == "local-S1"


def test_the_runs_of_jobs_count(tmp_path: Path) -> None:
    state, nodes = cluster_of(tmp_path, 2)
    definition: dict[str, Any] = {"id": "job", "run": {"mem": 50, "cpus": 1, "artifacts": []}}
    run = Run("1", stamp(), definition, Task("1", "job", agent_id="local-S1"))
    state.jobs["job"] = Job(definition, {run.id: run})
    assert launch(state, nodes, 10) == "local-S2"
    assert nodes.used(state.nodes["local-S1"]) == {"cpus": 1, "mem": 50}


def test_the_only_agent_counts_nothing_but_the_machine(tmp_path: Path) -> None:
    state, nodes = cluster_of(tmp_path, 1)
    for _ in range(2):
        assert launch(state, nodes, nodes.size) == OWN_AGENT
    with pytest.raises(NoOfferError, match="more memory than the machine has"):
        nodes.place({"mem": nodes.size + 1})


def test_the_number_of_agents_is_remembered_and_the_state_of_earlier_versions_is_read(tmp_path: Path) -> None:
    state, _ = cluster_of(tmp_path, 3)
    state.save()
    home = Home(tmp_path)
    home.announce(1, "", 1)
    assert home.agents_wanted() == 3
    document = json.loads(home.state_file.read_text())
    task = Task("old", "/a").to_json()
    del task["agent_id"], document["nodes"], document["unreachable"]
    home.state_file.write_text(json.dumps({**document, "tasks": [task]}))
    found = State(home)
    assert found.tasks["old"].agent_id == OWN_AGENT
    assert home.sandbox(found.tasks["old"]) == home.sandboxes / "old"


@pytest.mark.parametrize(
    ("strategy", "seconds", "keeps"),
    [
        ({"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0}, 0, False),
        ({"inactiveAfterSeconds": 60, "expungeAfterSeconds": 90}, 30, True),
        ({"inactiveAfterSeconds": 60, "expungeAfterSeconds": 90}, 61, False),
        ("disabled", 3600, True),
    ],
)
def test_an_unreachable_task_keeps_its_place_as_its_app_says(
    strategy: Any, seconds: float, keeps: bool
) -> None:
    app = App(defaults.fill({"id": "/a", "unreachableStrategy": strategy}, lambda: 10000))
    app.set_definition(app.definition, "1", config_changed=True)
    task = Task("1", "/a", "1", "1", finished_at=stamp(time.time() - seconds))
    assert app.keeps_place(task) is keeps
    # An update replaces it at once.
    app.set_definition(app.definition, "2", config_changed=True)
    assert not app.keeps_place(task)


def test_an_agent_that_cannot_be_started_is_tried_again_later(tmp_path: Path) -> None:
    state, nodes = cluster_of(tmp_path, 2)
    for node in state.nodes.values():
        node.up = False
    Home(tmp_path).agents.write_text("in the way")

    async def start() -> None:
        nodes.start(lambda agent: None)
        async with asyncio.timeout(60):
            while not all(node.back_at for node in state.nodes.values()):
                await asyncio.sleep(0.01)

    asyncio.run(start())
    assert [node.up for node in state.nodes.values()] == [False, False]
    assert all(0 < node.back_at - time.time() <= 60 for node in state.nodes.values())


def test_a_command_that_its_agent_outlived_by_nothing_still_has_its_exit_code(tmp_path: Path) -> None:
    class Untold:
        """A process whose agent was killed before it told how the process ended."""

        pid = 2**22 + 1

        def wait(self) -> int | None:
            return None

    task = Task("1", "job", pid=Untold.pid, created=1.0, process=Untold())
    assert asyncio.run(processes.follow(tmp_path, task, lambda: 0)) == 0
    assert asyncio.run(processes.follow(tmp_path, task)) is None
