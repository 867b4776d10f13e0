"""The scheduler of a service, with a node that is not there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from local_dcos.errors import NodeError
from local_dcos.services import scheduler
from local_dcos.services.jars import PackageJars
from local_dcos.services.plan import Plan
from tests.ports import free_ports


class Jars(PackageJars):
    def __init__(self) -> None:
        pass

    def known(self) -> list[Path]:
        return []


class Node:
    """It runs, and what waits until it is ready raises an error."""

    name, endpoint, address = "node", "client", "127.0.0.1:1"

    def __init__(self, folder: Path, error: Exception) -> None:
        self.folder = folder
        self.error = error
        self.running = False

    async def start(self, jars: list[Path]) -> None:
        self.running = True

    async def until_ready(self) -> None:
        raise self.error

    async def wait(self) -> int:
        await asyncio.sleep(600)
        return 0

    async def stop(self, seconds: float) -> None:
        self.running = False


@pytest.mark.parametrize(
    ("error", "said"),
    [(NodeError("it is broken"), "it is broken"), (KeyError("port"), "KeyError: 'port'")],
)
def test_no_error_leaves_the_node_without_its_scheduler(tmp_path, monkeypatch, error, said):
    monkeypatch.setattr(scheduler, "ERROR_SECONDS", 0.1)
    monkeypatch.setenv("PORT_API", str(free_ports(1)[0]))
    node, plan = Node(tmp_path, error), Plan("node", "node-0")
    assert asyncio.run(scheduler.Scheduler(node, Jars(), plan).serve()) == 1
    assert not node.running
    assert plan.errors == [said]
