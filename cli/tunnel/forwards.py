"""Forwarded connections: one `ssh` per target, behind a socket that only this user can open."""

import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from cli.errors import PipectlError, WaitTimeout
from cli.tunnel.gateway import Gateway, Target

_POLL_SECONDS = 0.02
_END_SECONDS = 5.0
_LISTEN_SECONDS = 2.0
_LINES = 20


class Forwards:
    """Opens each target when it is first asked for, and keeps it until `close`."""

    def __init__(
        self, gateway: Gateway, folder: Path, seconds: float, say: Callable[[str], None] = lambda line: None
    ) -> None:
        """folder: for the sockets; only the user can open it. seconds: how long a login may take. say: gets
        each line that ssh prints, such as that a target refused a connection.
        """
        self._ended = threading.Event()
        self._failure: PipectlError | None = None
        self._gateway = gateway
        self._folder = folder
        self._seconds = seconds
        self._say = say
        self._lock = threading.Lock()
        self._open: dict[Target, Path] = {}
        self._processes: list[_Ssh] = []
        self._closing = False

    def connect(self, target: Target) -> socket.socket:
        """A connection to the target. Raises PipectlError if the target cannot be reached."""
        path = self.open(target)
        deadline = time.monotonic() + _LISTEN_SECONDS
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(path))
                return connection
            except ConnectionRefusedError:
                # The socket exists a moment before ssh listens on it.
                connection.close()
                if time.monotonic() > deadline:
                    raise PipectlError(f"the tunnel to {_shown(target)} is closed") from None
                time.sleep(_POLL_SECONDS)
            except OSError as error:
                connection.close()
                raise PipectlError(f"the tunnel to {_shown(target)} is closed: {error.strerror}") from None

    def open(self, target: Target) -> Path:
        """Log in for this target; returns its socket. Raises PipectlError if it cannot be reached."""
        with self._lock:
            if self._closing:
                raise PipectlError(f"the tunnel to {_shown(target)} is closed")
            if target not in self._open:
                path = self._folder / f"{len(self._processes)}.sock"
                self._start(target, path)
                self._open[target] = path
            return self._open[target]

    def _start(self, target: Target, path: Path) -> None:
        process = _Ssh(self._gateway.forward(str(path), target), self._say)
        self._processes.append(process)
        deadline = time.monotonic() + self._seconds
        # A connection would tell more, but each reaches the service.
        while not path.exists():
            if self._closing:
                raise PipectlError(f"the tunnel to {_shown(target)} is closed")
            if (code := process.returncode()) is not None:
                raise PipectlError(
                    f"no tunnel to {_shown(target)}: `ssh` ended with exit code {code}: {process.said()}",
                    hint=self._gateway.advice,
                )
            if time.monotonic() > deadline:
                raise WaitTimeout(
                    f"`ssh {self._gateway.destination}` did not log in within {self._seconds:g} s",
                    hint=self._gateway.advice,
                )
            time.sleep(_POLL_SECONDS)
        process.when_ended(lambda: self._lost(target, process))

    def _lost(self, target: Target, process: "_Ssh") -> None:
        if not self._closing:
            self._failure = PipectlError(
                f"the tunnel to {_shown(target)} has ended: {process.said()}",
                hint="run the same command again",
            )
            self._ended.set()

    def lost(self, seconds: float) -> PipectlError | None:
        """Wait for a connection that ends by itself, and say which one and why; None: all are up."""
        self._ended.wait(seconds)
        return self._failure

    def close(self) -> None:
        """End every ssh."""
        self._closing = True
        with self._lock:  # a login in progress gives up, and no other one begins
            processes = list(self._processes)
        for process in processes:
            process.end()


class _Ssh:
    """A running ssh. What it says is kept for errors."""

    def __init__(self, command: list[str], say: Callable[[str], None]) -> None:
        # In a session of its own: Ctrl-C is for what runs through the tunnel, and ssh asks nothing.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._errors = cast(IO[str], self._process.stderr)
        self._say = say
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._errors:
            self._lines.append(line.strip())
            self._say(line.strip())

    def returncode(self) -> int | None:
        return self._process.poll()

    def said(self) -> str:
        """Its last line, once it has ended."""
        self._reader.join(_END_SECONDS)
        return next(reversed(self._lines), "no output")

    def when_ended(self, then: Callable[[], None]) -> None:
        """Call `then` once it has ended."""

        def watch() -> None:
            self._process.wait()
            then()

        threading.Thread(target=watch, daemon=True).start()

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_END_SECONDS)
        self._errors.close()


def _shown(target: Target) -> str:
    return f"{target[0]}:{target[1]}"
