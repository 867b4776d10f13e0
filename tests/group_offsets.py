"""Committing offsets with metadata, and reading them, by Kafka's protocol: Python's client can't write the
NUL that ends it, and returns more than there is where there is none.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from io import BytesIO
from typing import BinaryIO

_OFFSET_COMMIT, _OFFSET_FETCH, _FIND_COORDINATOR = (8, 2), (9, 5), (10, 1)
# A topic that is just being created; a coordinator that is still being found, or loads what was committed.
_PASSING = {3, 14, 15, 16}
_SECONDS = 20.0


def commit(servers: str, group: str, topic: str, partition: int, offset: int, metadata: bytes = b"") -> None:
    """Commit an offset as a group without members; servers: the only broker that may be its coordinator."""
    host, port = servers.split(":")
    no_member = struct.pack(">i", -1) + _text(b"") + struct.pack(">q", -1)
    place = struct.pack(">i", 1) + _text(topic.encode()) + struct.pack(">iiq", 1, partition, offset)
    body = _text(group.encode()) + no_member + place + _text(metadata)
    deadline = time.monotonic() + _SECONDS
    with (
        socket.create_connection((host, int(port)), timeout=_SECONDS) as connection,
        connection.makefile("rwb") as stream,
    ):
        # The first question creates the topic of groups' offsets.
        _ask(stream, _FIND_COORDINATOR, _text(group.encode()) + b"\0")
        while code := struct.unpack(">h", _ask(stream, _OFFSET_COMMIT, body)[-2:])[0]:
            assert code in _PASSING, f"Kafka refused the commit with error code {code}"
            assert time.monotonic() < deadline, f"Kafka refused the commit for {_SECONDS} s: {code}"
            time.sleep(0.1)


def committed(servers: str, group: str) -> dict[tuple[str, int], tuple[int, str]]:
    """Offset and metadata of a group by topic and partition, as they are; servers: as for `commit`."""
    host, port = servers.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=_SECONDS) as connection,
        connection.makefile("rwb") as stream,
    ):
        # No list of topics: all of them.
        answer = BytesIO(_ask(stream, _OFFSET_FETCH, _text(group.encode()) + struct.pack(">i", -1)))

    def number(form: str) -> int:
        (value,) = struct.unpack(f">{form}", answer.read(struct.calcsize(f">{form}")))
        return int(value)

    def text() -> str:
        return answer.read(max(0, number("h"))).decode()

    number("i"), number("i")  # correlation id, throttled
    found = {}
    for _ in range(number("i")):
        topic = text()
        for _ in range(number("i")):
            partition, offset, _ = number("i"), number("q"), number("i")
            found[topic, partition] = offset, text()
            assert (code := number("h")) == 0, (topic, partition, code)
    assert (code := number("h")) == 0, (group, code)
    return found


def told(**problem: str) -> bytes:
    """Metadata as the gatherer commits it; empty without a problem."""
    return json.dumps(problem).encode() + b"\0" if problem else b""


def _ask(stream: BinaryIO, api: tuple[int, int], body: bytes) -> bytes:
    request = struct.pack(">hhi", *api, 1) + _text(b"test") + body
    stream.write(struct.pack(">i", len(request)) + request)
    stream.flush()
    (length,) = struct.unpack(">i", stream.read(4))
    return stream.read(length)


def _text(value: bytes) -> bytes:
    return struct.pack(">h", len(value)) + value
