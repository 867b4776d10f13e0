"""A real HDFS for tests: the name node and the data node of the package `hdfs`."""

from __future__ import annotations

from pathlib import Path

import psutil

from stores.hdfs import HdfsStore
from stores.webhdfs import address_of
from tests.service_node import ServiceNode

NODES = {"namenode": "NameNode", "datanode": "DataNode"}
"""The name of each node's class."""
_END_SECONDS = 120


def processes_of(scheduler: int, node: str) -> list[psutil.Process]:
    """The process of one of NODES, none while it does not run. scheduler: the process id of theirs."""
    name = f".{NODES[node]}"
    children = psutil.Process(scheduler).children()
    return [each for each in children if any(word.endswith(name) for word in each.cmdline())]


class HdfsService(ServiceNode):
    """The nodes on loopback, whose data are in `folder`. port: of WebHDFS."""

    def __init__(self, folder: Path, port: int, api: int) -> None:
        super().__init__("hdfs", folder, api, {"PORT_HTTP": str(port)})
        self.port = port

    @property
    def address(self) -> str:
        """The address of a store."""
        return f"hdfs:127.0.0.1:{self.port}/user/pipectl/results"

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs so that the nodes answer it."""
        return {"HDFS_HEADER": (self.folder / "secrets" / "test-header").read_text().strip()}

    def store(self) -> HdfsStore:
        """A store, which the caller closes."""
        return HdfsStore(address_of(self.address.removeprefix("hdfs:"), self.environ))

    def kill_node(self, node: str) -> None:
        """Kill one of NODES, as a crash would. The scheduler ends the other one, and itself."""
        assert self._process is not None
        [process] = processes_of(self._process.pid, node)
        process.kill()
        self._process.wait(_END_SECONDS)
        self.stop()
