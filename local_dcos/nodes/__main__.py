"""One agent of several: `python -m local_dcos.nodes FD`, where FD is a Unix socket that listens.

It starts tasks and is their parent. If it ends, however it ends, the kernel kills the main processes of its
tasks (PR_SET_PDEATHSIG). The cluster then kills what these have started.

Each connection is for one task. It carries lines of JSON: the request `{"argv", "sandbox", "env"}`, the
answer `{"pid"}` or `{"error"}`, `{}` from the cluster, which knows of the task then, and at the end of the
task `{"code"}`. The request `{}` only asks whether it serves.
"""

import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from local_dcos.sandbox import run_in

PR_SET_PDEATHSIG = 1
# The cluster sends a request at once. It must not keep the agent from its tasks.
REQUEST_SECONDS = 5.0
_libc = ctypes.CDLL(None)
_agent = os.getpid()


def _end_with_agent() -> None:
    """Runs in the new process: asks the kernel for SIGKILL when the agent ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != _agent:
        os._exit(1)


def _send(connection: socket.socket, document: object) -> None:
    # If nobody waits for it any more, the connection has ended.
    with suppress(OSError):
        connection.sendall(json.dumps(document).encode() + b"\n")


def _is_known(connection: socket.socket) -> bool:
    """Whether the cluster says that it knows of the task. It has ended, or waited for too long, otherwise."""
    try:
        return bool(connection.recv(1))
    except OSError:
        return False


class _Agent:
    """Waits for requests and for the ends of tasks, in one thread: the kernel kills when a thread ends."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._running: dict[int, tuple[subprocess.Popen[bytes], socket.socket]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(server, selectors.EVENT_READ)

    def serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._server:
                    self._accept()
                else:
                    self._ended(key.fd)

    def _accept(self) -> None:
        connection, _ = self._server.accept()
        connection.settimeout(REQUEST_SECONDS)
        try:
            with connection.makefile("rb") as lines:
                request = json.loads(lines.readline())
            if not request:
                _send(connection, {})
                connection.close()
                return
            sandbox = Path(request["sandbox"])
            process = run_in(sandbox, request["argv"], request["env"], _end_with_agent)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            _send(connection, {"error": str(error)})
            connection.close()
            return
        _send(connection, {"pid": process.pid})
        if not _is_known(connection):
            # No one would end this task.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            shutil.rmtree(sandbox, ignore_errors=True)
            connection.close()
            return
        descriptor = os.pidfd_open(process.pid)
        self._running[descriptor] = process, connection
        self._selector.register(descriptor, selectors.EVENT_READ)

    def _ended(self, descriptor: int) -> None:
        process, connection = self._running.pop(descriptor)
        self._selector.unregister(descriptor)
        os.close(descriptor)
        # If the cluster's main process has ended, the next one finds the end of the task by its pid.
        _send(connection, {"code": process.wait()})
        connection.close()


if __name__ == "__main__":
    _Agent(socket.socket(fileno=int(sys.argv[1]))).serve()
