"""A real MariaDB server for tests."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import pymysql

from local_dcos.mysql.login import LOGIN
from local_dcos.ports import HOST
from stores.login import Login
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

    def change_password(self, password: str) -> None:
        """Change the password of the login, and end its connections. The next start of the node undoes it."""
        tls = Login(LOGIN, self.password, self.ca).tls()
        with (
            closing(
                pymysql.connect(host=HOST, port=self.port, user=LOGIN, password=self.password, ssl=tls)
            ) as own,
            own.cursor() as cursor,
        ):
            cursor.execute("SET PASSWORD = PASSWORD(%s)", (password,))
            cursor.execute("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()")
            for [number] in cursor.fetchall():
                with suppress(pymysql.MySQLError):  # it has just ended
                    cursor.execute("KILL %s", (number,))
