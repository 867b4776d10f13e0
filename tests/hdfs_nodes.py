"""A real HDFS for tests: the name node and the data node of the package `hdfs`."""

from __future__ import annotations

from pathlib import Path

from stores.hdfs import HdfsStore
from stores.webhdfs import address_of
from tests.service_node import ServiceNode


class HdfsService(ServiceNode):
    """The nodes on loopback, whose data are in `folder`. port: of WebHDFS."""

    def __init__(self, folder: Path, port: int, api: int) -> None:
        super().__init__("hdfs", folder, api, {"PORT_HTTP": str(port)})
        self.port = port

    @property
    def address(self) -> str:
        """The address of a store."""
        return f"hdfs:127.0.0.1:{self.port}/user/pipectl/results"

    def store(self) -> HdfsStore:
        """A store, which the caller closes."""
        return HdfsStore(address_of(self.address.removeprefix("hdfs:")))
