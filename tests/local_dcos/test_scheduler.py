"""The scheduler of a service, with a node that is not there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from local_dcos.errors import NodeError
from local_dcos.services import scheduler
from local_dcos.services.jars import PackageJars
from local_dcos.services.node import Node, until
from tests.local_dcos.conftest import wait_for
from tests.ports import free_ports


class Jars(PackageJars):
    def known(self) -> list[Path] | None:
        return []


class BrokenNode(Node):
    """It runs, and what waits until it is ready raises an error."""

    package, jars, name, step, port_name = "none", Jars("none", Path(), ""), "node", "node-0", "api"
    endpoint = "client"

    def __init__(self, folder: Path, error: Exception) -> None:
        super().__init__({"LOCAL_DCOS_HOME": str(folder), "NONE_SERVICE_NAME": "none", "PORT_API": "1"})
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
    node = BrokenNode(tmp_path, error)
    service = scheduler.Scheduler(node)
    assert asyncio.run(service.serve()) == 1
    assert not node.running
    assert service.plan.errors == [said]


class SlowJars(Jars):
    """Their download takes ten minutes."""

    def known(self) -> None:
        return None

    def fetch(self) -> list[Path]:
        Path("fetching").touch()
        time.sleep(600)
        return []


class NodeWithSlowJars(BrokenNode):
    jars = SlowJars("none", Path(), "")

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Path.cwd(), NodeError("unused"))


def test_a_stop_does_not_wait_for_a_download(tmp_path):
    program = f"from {__name__} import *; scheduler.main(NodeWithSlowJars)"
    paths = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), *sys.path]))
    environ = {**os.environ, "PORT_API": str(free_ports(1)[0]), "PYTHONPATH": paths}
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=environ) as service:
        try:
            wait_for((tmp_path / "fetching").exists)
            service.terminate()
            assert service.wait(scheduler.STOP_SECONDS) == 0
        finally:
            service.kill()


class TwoProcesses(BrokenNode):
    """One of its processes ends by itself, the other one ignores that it is asked to end."""

    async def start(self, jars: list[Path]) -> None:
        await self.start_process(["/bin/sh", "-c", "exit 3"])
        await self.start_process(
            ["/bin/sh", "-c", "trap '' TERM; echo > ignores; while :; do sleep 0.1; done"]
        )

    wait, stop = Node.wait, Node.stop


def test_a_node_of_several_processes_ends_with_the_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def run() -> tuple[int, list[int | None]]:
        node = TwoProcesses(tmp_path, NodeError("unused"))
        await node.start([])
        code = await node.wait()
        await until((tmp_path / "ignores").exists)
        await node.stop(0.2)
        return code, [await process.wait() for process in node._processes]

    assert asyncio.run(asyncio.wait_for(run(), 30)) == (3, [3, -signal.SIGKILL])
