"""MySQL through a tunnel, with TLS only: MariaDB's client does without it if the server offers none.

The server speaks first, and says what it can do. A greeting without TLS does not reach the client. One with
TLS makes it begin TLS, and then it checks who the server is.
"""

import struct

from cli.errors import PipectlError
from cli.tunnel.relay import Relay, Stream, exactly

_PROTOCOL, _ERROR = 10, 0xFF
_TLS = 0x0800
_HEAD = 4
"""Bytes before a packet: its length, and its number."""
_AFTER_VERSION = struct.Struct("<4s8sxH")
"""The thread, the first half of the challenge, and the first half of the capabilities."""
_REFUSED = 3159
"""MySQL's number for a connection that must be secure. Clients take none of their own from a server."""


class MySqlTlsRelay(Relay):
    """The listener for a server that must offer TLS."""

    def carry(self, client: Stream, server: Stream) -> None:
        """Carry a connection, unless the server's greeting offers no TLS. Raises PipectlError then."""
        head = exactly(server, _HEAD)
        greeting = exactly(server, int.from_bytes(head[:3], "little"))
        # Instead of a greeting, it may say why it takes no connection.
        if greeting[:1] != bytes([_ERROR]) and not _offers_tls(greeting):
            reason = "the server of mysql offers no TLS, but `mysql.ca` asks for it"
            client.sendall(_packet(struct.pack("<BH", _ERROR, _REFUSED) + reason.encode()))
            raise PipectlError(reason)
        client.sendall(head + greeting)
        super().carry(client, server)


def _offers_tls(greeting: bytes) -> bool:
    version, _, rest = greeting.partition(b"\0")
    if version[:1] != bytes([_PROTOCOL]) or len(rest) < _AFTER_VERSION.size:
        return False
    _, _, capabilities = _AFTER_VERSION.unpack_from(rest)
    return bool(capabilities & _TLS)


def _packet(content: bytes) -> bytes:
    return len(content).to_bytes(3, "little") + b"\0" + content
