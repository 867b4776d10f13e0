from __future__ import annotations

import shutil
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cli.tunnel.forwards import Forwards
from cli.tunnel.gateway import Gateway, Target, local_gateway

SECONDS = 60.0
SMALL_CLIENT = (sys.executable, "-m", "local_dcos.ssh.client")


class Echo(socketserver.ThreadingTCPServer):
    """Answers each line with the same line, and notes it."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _EchoLines)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def target(self) -> Target:
        return ("127.0.0.1", self.port)


class _EchoLines(socketserver.StreamRequestHandler):
    server: Echo

    def handle(self) -> None:
        for line in self.rfile:
            self.server.lines.append(line)
            self.wfile.write(line)


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A service: a small TCP server."""
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture(params=["ssh", "the small client"])
def small_client(request: pytest.FixtureRequest) -> bool:
    """Whether to use the client of local_dcos. Otherwise, it is the real `ssh`."""
    if request.param == "ssh" and shutil.which("ssh") is None:
        pytest.skip("needs the command ssh")
    return bool(request.param != "ssh")


Opening = Callable[[Path, Sequence[Target]], AbstractContextManager[tuple[Gateway, Forwards]]]


@pytest.fixture
def forwarding(small_client: bool) -> Opening:
    """Opens a server that permits some targets, and the forwards through it."""

    @contextmanager
    def open_forwards(folder: Path, permitted: Sequence[Target]) -> Iterator[tuple[Gateway, Forwards]]:
        with local_gateway(folder, permitted) as gateway:
            used = replace(gateway, client=SMALL_CLIENT) if small_client else gateway
            forwards = Forwards(used, folder, SECONDS)
            try:
                yield used, forwards
            finally:
                forwards.close()

    return open_forwards
