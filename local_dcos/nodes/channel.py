"""Asking an agent's process to start a task, over the Unix socket in its folder."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from local_dcos.errors import SilentError

# An agent answers within milliseconds. While a launch waits for it, no other request is served.
LAUNCH_SECONDS = 2.0
CODE_SECONDS = 5.0
# A new agent needs time to start.
START_SECONDS = 60.0


class NodeProcess:
    """The process of a task that an agent has started."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self._connection = connection
        self.pid = pid

    def wait(self) -> int | None:
        """Returns the exit code of the process, which has ended; None if its agent does not tell it."""
        with self._connection:
            self._connection.settimeout(CODE_SECONDS)
            try:
                code = _answer(self._connection)["code"]
            except (OSError, ValueError, KeyError):
                return None
        return int(code)


def listen(folder: Path) -> socket.socket:
    """Returns the socket on which an agent shall serve. It takes connections before the agent does."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    (folder / "socket").unlink(missing_ok=True)
    with _short(folder) as short:
        server.bind(f"{short}/socket")
    server.listen(128)
    return server


def wait_until_serving(folder: Path, seconds: float = START_SECONDS) -> None:
    """Waits until the agent answers.

    Raises:
        OSError, ValueError: It has ended, or does not answer in time.
    """
    with _asked(folder, {}, seconds) as connection:
        _answer(connection)


def start(folder: Path, sandbox: Path, argv: Sequence[str], env: Mapping[str, str]) -> NodeProcess:
    """Starts a process in a sandbox.

    Raises:
        OSError: The agent can't start it.
        SilentError: The agent does not answer in time, or has ended.
    """
    request = {"argv": list(argv), "sandbox": str(sandbox), "env": dict(env)}
    try:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(_asked(folder, request, LAUNCH_SECONDS))
            answer = _answer(connection)
            if "pid" in answer:
                # Without this, the agent ends the task: nobody would know of it.
                connection.sendall(b"{}\n")
                stack.pop_all()
                return NodeProcess(connection, int(answer["pid"]))
    except (TimeoutError, ConnectionError, BlockingIOError, FileNotFoundError, ValueError) as error:
        raise SilentError(f"Agent {folder.name} does not answer: {error}") from error
    raise OSError(answer["error"])


def _asked(folder: Path, request: object, seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        with _short(folder) as short:
            connection.connect(f"{short}/socket")
        connection.sendall(json.dumps(request).encode() + b"\n")
    except OSError:
        connection.close()
        raise
    return connection


def _answer(connection: socket.socket) -> dict[str, Any]:
    with connection.makefile("rb") as lines:
        document: dict[str, Any] = json.loads(lines.readline())
    return document


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """Yields a short name of a folder: the path of a socket has at most 107 bytes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
