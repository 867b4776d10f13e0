"""Listeners on loopback that pass connections on through a tunnel."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from cli.errors import PipectlError
from cli.tunnel.forwards import Forwards
from cli.tunnel.gateway import Target

HOST = "127.0.0.1"
CHUNK = 1 << 16
_END_SECONDS = 5.0


class Stream(Protocol):
    """A connection: a socket, or TLS over one."""

    def recv(self, most: int, /) -> bytes: ...
    def sendall(self, content: bytes, /) -> None: ...
    def shutdown(self, how: int, /) -> None: ...


class Relay:
    """One listener per target. A target gets its listener when it is first asked for, and keeps it."""

    def __init__(self, forwards: Forwards, say: Callable[[str], None]) -> None:
        """say: gets a line for each connection that fails."""
        self._forwards = forwards
        self._say = say
        self._lock = threading.Lock()
        self._listeners: dict[Target, socket.socket] = {}

    def port_for(self, target: Target, wanted: int = 0) -> int:
        """The port on loopback that leads to the target. wanted: for a new listener; 0 is any free one.

        Raises PipectlError if the port is taken.
        """
        with self._lock:
            listener = self._listeners.get(target)
            if listener is None:
                listener = self._listeners[target] = _listen(wanted)
                threading.Thread(target=self._accept, args=(listener, target), daemon=True).start()
            port: int = listener.getsockname()[1]
            return port

    def _accept(self, listener: socket.socket, target: Target) -> None:
        with suppress(OSError):  # it is closed
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client, target), daemon=True).start()

    def _serve(self, client: socket.socket, target: Target) -> None:
        with client:
            try:
                with self._forwards.connect(target) as server:
                    self.serve(client, server, target)
            except PipectlError as error:
                self._say(error.message)
            except (OSError, ValueError):  # either side is gone, or speaks another protocol
                pass

    def serve(self, client: socket.socket, server: socket.socket, target: Target) -> None:
        """Serve a client that wants this target."""
        self.carry(client, server)

    def carry(self, client: Stream, server: Stream) -> None:
        """Carry a client's connection over one to its target, until both have ended."""
        carry_both(client, server, lambda: copy(client, server), lambda: copy(server, client))

    def close(self) -> None:
        """Stop listening."""
        with self._lock:
            for listener in self._listeners.values():
                # Closing alone does not wake the thread that accepts.
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                listener.close()


def carry_both(client: Stream, server: Stream, up: Callable[[], None], down: Callable[[], None]) -> None:
    """Run the two directions until both have ended. One that fails ends the other."""

    def run_up() -> None:
        _finish(up, client, server)

    thread = threading.Thread(target=run_up, daemon=True)
    thread.start()
    _finish(down, server, client)
    # The client has nothing to wait for any more.
    with suppress(OSError):
        client.shutdown(socket.SHUT_RD)
    thread.join(_END_SECONDS)


def _finish(direction: Callable[[], None], source: Stream, sink: Stream) -> None:
    """Run one direction, and pass its end on."""
    try:
        direction()
        how = socket.SHUT_WR
    except (OSError, ValueError, PipectlError):
        how = socket.SHUT_RDWR
    with suppress(OSError):
        sink.shutdown(how)


def copy(source: Stream, sink: Stream) -> None:
    """Copy bytes until the source ends."""
    while chunk := source.recv(CHUNK):
        sink.sendall(chunk)


def exactly(source: Stream, length: int) -> bytes:
    """The next bytes, all of them. Raises ValueError if the source ends within them."""
    content = bytearray()
    while len(content) < length:
        chunk = source.recv(min(CHUNK, length - len(content)))
        if not chunk:
            raise ValueError("the connection ended within a message")
        content += chunk
    return bytes(content)


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    # After a tunnel to the same port has ended, its old connections may still wait.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PipectlError(
            f"cannot listen on {HOST}:{port}: {error.strerror}", hint="choose another port with --port"
        ) from None
    return listener
