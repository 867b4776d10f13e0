"""Kafka through a tunnel: clients learn the brokers' addresses from the first one, so answers are rewritten.

A broker names every broker by the address that it has inside the cluster. This machine cannot reach that, so
each name becomes that of a listener on loopback, which leads to that broker.
"""

import struct
import threading

from cli.errors import PipectlError
from cli.tunnel import kafka_wire
from cli.tunnel.relay import CHUNK, HOST, Relay, Stream, carry_both, exactly

# An answer that names brokers is small, unless a cluster has hundreds of thousands of partitions.
_LARGEST = 256 << 20
_REQUEST = struct.Struct(">ihhi")
_RESPONSE = struct.Struct(">ii")


class KafkaRelay(Relay):
    """The listeners for the brokers of one cluster."""

    def _rename(self, host: str, port: int) -> tuple[str, int]:
        return HOST, self.port_for((host, port))

    def carry(self, client: Stream, server: Stream) -> None:
        """Carry requests and answers, and rename the brokers in answers that name them."""
        awaited: dict[int, tuple[int, int]] = {}
        lock = threading.Lock()

        def up() -> None:
            while head := read(client, _REQUEST.size):
                size, api, version, correlation = _REQUEST.unpack(head)
                if api in kafka_wire.NAMES_BROKERS:
                    with lock:
                        awaited[correlation] = (api, version)
                server.sendall(head)
                _pass_on(client, server, size + 4 - _REQUEST.size)

        def down() -> None:
            while head := read(server, _RESPONSE.size):
                size, correlation = _RESPONSE.unpack(head)
                with lock:
                    request = awaited.pop(correlation, None)
                if request is None:
                    client.sendall(head)
                    _pass_on(server, client, size - 4)
                else:
                    body = self._renamed(*request, whole(server, size - 4))
                    client.sendall(_RESPONSE.pack(len(body) + 4, correlation) + body)

        carry_both(client, server, up, down)

    def _renamed(self, api: int, version: int, body: bytes) -> bytes:
        try:
            return kafka_wire.renamed(api, version, body, self._rename)
        except (ValueError, PipectlError) as error:
            self._say(str(error))
            raise ValueError(str(error)) from None


def read(source: Stream, length: int) -> bytes:
    """The next bytes; nothing if the source has ended. Raises ValueError if it ends within them."""
    first = source.recv(length)
    return first + exactly(source, length - len(first)) if first else b""


def whole(source: Stream, length: int) -> bytes:
    """The rest of a message. Raises ValueError if none is so long, or if the source ends within it."""
    if not 0 <= length <= _LARGEST:
        raise ValueError(f"this is not Kafka: a message of {length} bytes")
    return exactly(source, length)


def _pass_on(source: Stream, sink: Stream, length: int) -> None:
    if length < 0:
        raise ValueError("this is not Kafka: a message without a header")
    while length:
        chunk = source.recv(min(CHUNK, length))
        if not chunk:
            raise ValueError("the connection ended within a message")
        sink.sendall(chunk)
        length -= len(chunk)
