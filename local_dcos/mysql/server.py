"""One MariaDB server on loopback: its settings, its login, its process."""

import asyncio
import os
import secrets
import shutil
from pathlib import Path

from local_dcos.errors import NodeError
from local_dcos.files import write_durably
from local_dcos.mysql.binaries import unpack
from local_dcos.mysql.login import accepts, statements
from local_dcos.ports import HOST
from local_dcos.services.process import NodeProcess
from local_dcos.services.serving import READY_POLL_SECONDS, kept_port

# What mariadb-install-db runs, without the help texts, the sys schema and the functions of GIS.
_SYSTEM_TABLES = (
    "mariadb_system_tables.sql",
    "mariadb_performance_tables.sql",
    "mariadb_system_tables_data.sql",
)
_INSTALL_SECONDS = 120


class MariaDbServer:
    """The server of one service. Its data in `folder` outlive it.

    secret: the file with the password of the login `pipectl`, made at the first start. database: what that
    login owns.
    """

    name = "server"
    endpoint = "mysql"

    def __init__(self, folder: Path, secret: Path, port: int, buffer_mb: int, database: str) -> None:
        """port: 0 means the port of the last start, or any free one."""
        self.folder = folder
        self.port = port
        self._secret = secret
        self._buffer_mb = buffer_mb
        self._database = database
        self._process = NodeProcess(self.name)

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    async def start(self, jars: list[Path]) -> None:
        """Starts the server; the first start makes its data.

        Raises:
            NodeError: This machine cannot run it, or its data could not be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.port or kept_port(self.folder / "port.json")
        server = await asyncio.to_thread(unpack, jars[0], self.folder)
        if not self._data.exists():
            await self._install(server)
        if not self._secret.exists():
            self._secret.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(self._secret, secrets.token_hex(32) + "\n")
        # The server runs it before it takes connections.
        write_durably(self._login, statements(self._password, self._database))
        await self._process.start(
            [
                *self._command(server, self._data),
                f"--bind-address={HOST}",
                f"--port={self.port}",
                f"--init-file={self._login}",
                f"--innodb-buffer-pool-size={self._buffer_mb}M",
                "--innodb-log-file-size=32M",
                "--character-set-server=utf8mb4",
                "--skip-name-resolve",
                # It takes 10 s to make a certificate, which nobody could check.
                "--skip-ssl",
                "--local-infile=0",
            ]
        )

    async def until_ready(self) -> None:
        """Returns when the server accepts the login."""
        while not await asyncio.to_thread(accepts, self.port, self._password, self._database):
            await asyncio.sleep(READY_POLL_SECONDS)
        self._login.unlink(missing_ok=True)

    async def wait(self) -> int:
        """Waits until the server ends. Returns its exit code."""
        return await self._process.wait()

    async def stop(self, seconds: float) -> None:
        """Asks the server to flush and end. Kills it after `seconds`."""
        await self._process.stop(seconds)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _login(self) -> Path:
        return self.folder / "login.sql"

    @property
    def _password(self) -> str:
        return self._secret.read_text(encoding="utf-8").strip()

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
