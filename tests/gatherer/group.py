"""What a consumer group has committed, metadata included.

By Kafka's protocol: of metadata that isn't empty, confluent_kafka returns more than there is.
"""

from __future__ import annotations

import socket
import struct

_OFFSET_FETCH, _VERSION = 9, 5


def committed(bootstrap_servers: str, group: str) -> dict[tuple[str, int], tuple[int, str]]:
    """Offset and metadata by topic and partition; of a group whose coordinator is the only broker here."""
    host, _, port = bootstrap_servers.partition(":")
    name = group.encode()
    # Header: API, version, correlation id, no client id. Body: the group, and null for all its topics.
    request = struct.pack(f">hhihh{len(name)}si", _OFFSET_FETCH, _VERSION, 0, -1, len(name), name, -1)
    with socket.create_connection((host, int(port)), timeout=30) as broker, broker.makefile("rb") as answer:
        broker.sendall(struct.pack(">i", len(request)) + request)

        def number(form: str) -> int:
            (value,) = struct.unpack(f">{form}", answer.read(struct.calcsize(f">{form}")))
            return int(value)

        def text() -> str:
            return answer.read(max(0, number("h"))).decode()

        for form in "iii":  # length, correlation id, throttled
            number(form)
        found = {}
        for _ in range(number("i")):
            topic = text()
            for _ in range(number("i")):
                partition, offset, _, metadata, error = (
                    number("i"),
                    number("q"),
                    number("i"),
                    text(),
                    number("h"),
                )
                assert error == 0, (topic, partition, error)
                found[topic, partition] = offset, metadata
        assert (error := number("h")) == 0, (group, error)
        return found
