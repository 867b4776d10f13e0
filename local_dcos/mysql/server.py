"""One MariaDB server on loopback: its settings, its login, its process."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from local_dcos.errors import NodeError
from local_dcos.files import write_durably
from local_dcos.mysql.binaries import unpack
from local_dcos.mysql.jars import JARS
from local_dcos.mysql.login import accepts, statements
from local_dcos.ports import HOST
from local_dcos.services.node import Node, until

# What mariadb-install-db runs, without the help texts, the sys schema and the functions of GIS.
_SYSTEM_TABLES = (
    "mariadb_system_tables.sql",
    "mariadb_performance_tables.sql",
    "mariadb_system_tables_data.sql",
)
_INSTALL_SECONDS = 120


class MariaDbServer(Node):
    """The server of one service."""

    package, jars, name, step, port_name = "mysql", JARS, "server", "server-0:[mariadbd]", "sql"
    endpoint = "mysql"

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ)
        self._buffer_mb = environ.get("MYSQL_BUFFER_MB", "64")
        self._database = environ["MYSQL_DATABASE"]

    async def start(self, jars: list[Path]) -> None:
        server = await asyncio.to_thread(unpack, jars[0], self.folder)
        if not self._data.exists():
            await self._install(server)
        # The server runs it before it takes connections.
        write_durably(self._login, statements(self.secret("password"), self._database))
        await self.start_process(
            [
                *self._command(server, self._data),
                f"--bind-address={HOST}",
                f"--port={self.port}",
                f"--init-file={self._login}",
                f"--innodb-buffer-pool-size={self._buffer_mb}M",
                "--innodb-log-file-size=32M",
                "--character-set-server=utf8mb4",
                "--skip-name-resolve",
                *self._tls(),
                "--local-infile=0",
            ]
        )

    async def until_ready(self) -> None:
        password = self.secret("password")
        tls = self.tls()
        await until(lambda: accepts(self.port, password, self._database, tls))
        self._login.unlink(missing_ok=True)

    def _tls(self) -> list[str]:
        if not self.encrypted:
            # Otherwise it makes a certificate for 10 s, which nobody could check.
            return ["--skip-ssl"]
        file = self.key_file()
        return [f"--ssl-cert={file}", f"--ssl-key={file}", "--require-secure-transport=ON"]

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _login(self) -> Path:
        return self.folder / "login.sql"

    def _command(self, server: Path, data: Path) -> list[str]:
        return [
            str(server / "bin" / "mariadbd"),
            "--no-defaults",
            f"--basedir={server}",
            f"--lc-messages-dir={server / 'share'}",
            f"--datadir={data}",
            # Below the data: a path of more than 107 bytes is no socket.
            "--socket=server.sock",
            f"--pid-file={self.folder / 'server.pid'}",
            *(["--user=root"] if os.geteuid() == 0 else []),
        ]

    async def _install(self, server: Path) -> None:
        """Makes the data: the tables that the server itself needs."""
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        texts = [(server / "share" / name).read_text(encoding="utf-8") for name in _SYSTEM_TABLES]
        script = "\n".join(["CREATE DATABASE mysql;", "USE mysql;", *texts])
        process = await asyncio.create_subprocess_exec(
            *self._command(server, new),
            "--bootstrap",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_INSTALL_SECONDS):
                said, _ = await process.communicate(script.encode())
        except TimeoutError:
            process.kill()
            raise NodeError(f"MariaDB did not make its data within {_INSTALL_SECONDS} s") from None
        if process.returncode != 0:
            raise NodeError(f"MariaDB could not make its data: {said.decode(errors='replace')[-1000:]}")
        new.rename(self._data)
