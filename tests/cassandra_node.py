"""A real Cassandra node for tests."""

from __future__ import annotations

from pathlib import Path

from tests.service_node import ServiceNode


class CassandraNode(ServiceNode):
    """A node on loopback, whose data are in `folder`."""

    def __init__(self, folder: Path, port: int, api: int) -> None:
        super().__init__("cassandra", folder, api, {"PORT_CQL": str(port), "CASSANDRA_TLS": "true"})
        self.port = port

    def address(self, keyspace: str, options: str = "") -> str:
        """The address of a store on this node."""
        return f"cassandra:127.0.0.1:{self.port}/{keyspace}{options}"

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to log in."""
        return {"CASSANDRA_PASSWORD": self.password, "CASSANDRA_CA": self.ca}
