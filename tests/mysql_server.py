"""A real MariaDB server for tests."""

from __future__ import annotations

from pathlib import Path

from tests.service_node import ServiceNode


class MySqlServer(ServiceNode):
    """A server on loopback with the database `results`, whose data are in `folder`."""

    def __init__(self, folder: Path, port: int, api: int, *, tls: bool = True) -> None:
        environ = {"PORT_SQL": str(port), "MYSQL_DATABASE": "results"}
        super().__init__("mysql", folder, api, environ | ({"MYSQL_TLS": "true"} if tls else {}))
        self.port = port

    @property
    def address(self) -> str:
        """The address of the store on this server."""
        return f"mysql:127.0.0.1:{self.port}/results"

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs to log in."""
        return {"MYSQL_PASSWORD": self.password, "MYSQL_CA": self.ca}
