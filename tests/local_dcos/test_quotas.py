"""The roles of apps, and what fits into a quota, without an agent."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local_dcos import quotas
from local_dcos.api.marathon import Marathon
from local_dcos.api.quotas import Quotas
from local_dcos.changes import Changes
from local_dcos.errors import ApiError, NoOfferError
from local_dcos.home import Home
from local_dcos.model import App, Task
from local_dcos.store import State


class Agent:
    """Applies each definition at once, and launches nothing."""

    def __init__(self, home: Path) -> None:
        self.state = State(Home(home))
        self.deployments = self

    def service_port(self) -> int:
        return 10000

    def save(self) -> None:
        pass

    def begin(self, app_id: str, new: dict[str, Any], *, force: bool) -> None:
        app = self.state.apps.setdefault(app_id, App(definition=new))
        app.set_definition(new, "1", config_changed=True)

    def run(self, app_id: str) -> None:
        """Add a task of an app."""
        task = Task(f"task-{len(self.state.tasks)}", app_id, "1", "1", [], "2026-11-22T00:00:00.000Z")
        self.state.tasks[task.id] = task


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    agent = Agent(tmp_path)
    agent.state.groups["/dev"] = {"enforceRole": True}
    return agent


def change(agent: Agent, app_id: str, **keys: Any) -> str:
    """The role of the app after the change."""
    Changes(cast(Any, agent)).update(app_id, {"cmd": "exec true", **keys}, force=False)
    return str(agent.state.apps[app_id].definition["role"])


def test_no_app_leaves_the_role_of_its_group_or_takes_that_of_another(agent):
    assert change(agent, "/dev/app") == "dev"
    assert change(agent, "/other/app", role="other") == "other"
    for app_id, role in (("/dev/app", "*"), ("/dev/more", "prod"), ("/other/app", "dev")):
        with pytest.raises(ApiError) as refused:
            change(agent, app_id, role=role)
        assert refused.value.status == 422


def test_an_app_that_is_older_than_its_group_keeps_its_role(agent):
    agent.state.groups.clear()
    assert change(agent, "/dev/app") == "*"
    agent.state.groups["/dev"] = {"enforceRole": True}
    assert change(agent, "/dev/app", instances=2) == "*"


def test_the_shares_of_a_processor_add_up(agent):
    agent.state.quotas["dev"] = {"limit": {"cpus": 0.3}, "guarantee": {}}
    change(agent, "/dev/app", cpus=0.1)
    app = agent.state.apps["/dev/app"]
    for _ in range(3):
        quotas.check(agent.state, app)
        agent.run("/dev/app")
    with pytest.raises(NoOfferError, match="used up its quota of cpus"):
        quotas.check(agent.state, app)


def test_a_change_of_a_group_keeps_what_it_does_not_name(agent):
    async def read() -> bytes:
        return b"{}"

    request = cast(Any, SimpleNamespace(match_info={"id": "dev"}, read=read))
    asyncio.run(Marathon(cast(Any, agent)).update_group(request))
    assert agent.state.groups["/dev"] == {"enforceRole": True}


def test_no_more_is_promised_than_the_machine_has(agent):
    # Otherwise nothing outside of the role would start again.
    def promise(role: str, mem: float) -> None:
        async def read() -> bytes:
            guarantee = [{"name": "mem", "type": "SCALAR", "scalar": {"value": mem}}]
            return json.dumps({"role": role, "guarantee": guarantee}).encode()

        asyncio.run(Quotas(cast(Any, agent)).add(cast(Any, SimpleNamespace(read=read))))

    promise("dev", quotas.memory() - 64)
    with pytest.raises(ApiError, match="Not enough available cluster capacity"):
        promise("prod", 65)
    promise("prod", 64)
