"""TLS over a connected socket, for one thread that reads and another that writes.

One `ssl.SSLSocket` must not be used by two threads at the same time.
"""

import socket
import ssl
import threading
from collections.abc import Callable

from cli.tunnel.relay import CHUNK


class TlsStream:
    """The encrypted side of a connection. The methods are those of a socket, and raise OSError as it does."""

    def __init__(
        self, connection: socket.socket, context: ssl.SSLContext, *, host: str | None = None
    ) -> None:
        """Shake hands. host: the name that the other side must prove; None: this side is the server."""
        self._connection = connection
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._received, self._to_send, server_side=host is None, server_hostname=host
        )
        self._state = threading.Lock()
        # Records leave in the order in which they were encrypted.
        self._order = threading.Lock()
        self._shake_hands()

    def _shake_hands(self) -> None:
        while True:
            try:
                self._send(self._tls.do_handshake)
                return
            except ssl.SSLWantReadError:
                self._send(lambda: None)
                if not self._receive():
                    raise ConnectionResetError("the other side has ended the connection") from None
            except ssl.SSLError:
                self._send(lambda: None)  # the other side learns why
                raise

    def recv(self, most: int) -> bytes:
        """Some bytes; none if the other side has ended."""
        while True:
            try:
                with self._state:
                    content: bytes = self._tls.read(most)
                return content
            except ssl.SSLWantReadError:
                # What TLS itself has to say leaves before the next content: a reader never waits to send.
                if not self._receive():
                    return b""
            except ssl.SSLZeroReturnError:
                return b""

    def sendall(self, content: bytes) -> None:
        """Send all of it."""
        if content:  # to encrypt nothing is an error
            self._send(lambda: self._tls.write(content))

    def shutdown(self, how: int) -> None:
        """End one direction, or both, without the notice that TLS has: OpenSSL would drop what still comes.

        A message of Kafka begins with its length, so nobody takes half of one for a whole.
        """
        self._connection.shutdown(how)

    def _send(self, encrypt: Callable[[], object]) -> None:
        with self._order:
            with self._state:
                encrypt()
                content = self._to_send.read()
            self._connection.sendall(content)

    def _receive(self) -> bool:
        """Take what comes next; false if that is the end. OpenSSL is not told: it would send no more then."""
        content = self._connection.recv(CHUNK)
        with self._state:
            self._received.write(content)
        return bool(content)
