"""A Kafka broker seen through a slow network: answers to fetches come late, a few bytes at a time, or without
the records of some partitions, or nothing passes at all.

It understands as much of Kafka's protocol as that takes (https://kafka.apache.org/protocol): clients are told
that the broker speaks Fetch up to version 11, the last one with a fixed layout.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_FETCH, _FETCH_VERSION, _API_VERSIONS = 1, 11, 18
# How long an answer waits from which records were taken out: the client asks again at once.
_WITHHELD_SECONDS = 0.1
_CUT_POLL_SECONDS = 0.05

Partition = tuple[str, int]


class _Layout:
    """Reads a message by its layout."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f">{form}", self.data, self.at)
        self.at += struct.calcsize(f">{form}")
        return int(value)

    def text(self) -> str:
        length = self.number("h")
        self.at += max(0, length)
        return self.data[self.at - max(0, length) : self.at].decode()

    def uvarint(self) -> int:
        value = shift = 0
        while True:
            byte = self.number("B")
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def skip(self, form: str) -> None:
        self.at += struct.calcsize(f">{form}")


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port)


def _written(address: tuple[str, int]) -> bytes:
    """An address as it is in answers, without the length of its host."""
    host, port = address
    return host.encode() + struct.pack(">i", port)


@dataclass
class _Asked:
    """What an answer on a connection will be to."""

    api: int
    version: int


class SlowBroker:
    """Listens at `address` for the broker at `upstream`, both host:port, while the block runs. Clients that
    come this way find a broker that names itself by `upstream` at `address`.

    bytes_per_second: how many bytes of records pass. delay_seconds: up to so much later comes each answer
    with records. lag_seconds: how much later each message comes, one after the other, in either direction.
    cut: nothing passes, and no connection ends by that. All may be set at any time. concerns: whether they
    apply to the client with this port; for others the network is fast. held_messages: how many messages came
    later, or while it was cut.
    """

    def __init__(
        self,
        upstream: str,
        address: str,
        seed: int = 1,
        *,
        concerns: Callable[[int], bool] = lambda port: True,
    ) -> None:
        self.bytes_per_second: float | None = None
        self.delay_seconds = self.lag_seconds = 0.0
        self.cut = False
        self.passed_bytes = self.held_messages = 0
        self._upstream, self._address = _host_and_port(upstream), _host_and_port(address)
        # An address is replaced within an answer.
        assert len(self._upstream[0]) == len(self._address[0])
        self._concerns = concerns
        self._draw = random.Random(seed)
        self._held_until: dict[Partition, float] = {}
        self._next_answer = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> SlowBroker:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def connections(self) -> int:
        """How many there are now."""
        return len(self._connections)

    def hold(self, topic: str, partition: int, seconds: float = float("inf")) -> None:
        """Let no records of a partition pass until so much time has gone by, or until `release`."""
        self._held_until[topic, partition] = time.monotonic() + seconds

    def release(self, topic: str, partition: int) -> None:
        self._held_until.pop((topic, partition), None)

    # -- in the thread of the loop

    def _call(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, *self._address, limit=2**20)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        asked: deque[_Asked] = deque()
        upstream_writer = None
        try:
            far = self._concerns(writer.get_extra_info("peername")[1])
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream, limit=2**20)
            ways = (
                self._pass(reader, upstream_writer, lambda message: self._ask(message, asked), far),
                self._pass(upstream_reader, writer, lambda message: self._answer(message, asked), far),
            )
            _, others = await asyncio.wait(
                [asyncio.ensure_future(way) for way in ways], return_when=asyncio.FIRST_COMPLETED
            )
            for other in others:
                other.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        except OSError:
            pass  # the broker is away: so is the connection
        finally:
            for each in filter(None, (writer, upstream_writer)):
                each.close()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        change: Callable[[bytearray], tuple[bytes, float]],
        far: bool,
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                (length,) = struct.unpack(">i", await reader.readexactly(4))
                message, seconds = change(bytearray(await reader.readexactly(length)))
                if far:
                    self.held_messages += bool(self.lag_seconds or self.cut)
                    await asyncio.sleep(seconds + self.lag_seconds)
                while far and self.cut:
                    await asyncio.sleep(_CUT_POLL_SECONDS)
                writer.write(struct.pack(">i", len(message)) + message)
                await writer.drain()

    def _ask(self, message: bytearray, asked: deque[_Asked]) -> tuple[bytes, float]:
        layout = _Layout(message, 0)
        asked.append(_Asked(layout.number("h"), layout.number("h")))
        if asked[-1].api == _FETCH and self.bytes_per_second is not None:
            layout.skip("i")
            layout.text()
            layout.skip("iiiibii")  # of a replica, waiting, at least, at most, isolation, session, epoch
            for _ in range(layout.number("i")):
                layout.text()
                for _ in range(layout.number("i")):
                    layout.skip("iiqq")  # partition, leader's epoch, offset, start of the log
                    # A batch at a time: the broker gives a whole one, whatever its length.
                    struct.pack_into(">i", message, layout.at, 1)
                    layout.skip("i")
        return bytes(message), 0

    def _answer(self, message: bytearray, asked: deque[_Asked]) -> tuple[bytes, float]:
        question = asked.popleft()
        if question.api == _API_VERSIONS and question.version >= 3:
            self._limit_fetch(message)
        if question.api != _FETCH:
            return bytes(message).replace(_written(self._upstream), _written(self._address)), 0
        assert question.version == _FETCH_VERSION, f"a client asked by Fetch {question.version}"
        return self._fetched(bytes(message))

    @staticmethod
    def _limit_fetch(message: bytearray) -> None:
        layout = _Layout(message, struct.calcsize(">ih"))  # behind the correlation id and the error
        for _ in range(layout.uvarint() - 1):
            api = layout.number("h")
            layout.skip("h")
            if api == _FETCH:
                struct.pack_into(">h", message, layout.at, _FETCH_VERSION)
            layout.skip("h")
            assert layout.uvarint() == 0, "a tagged field"

    def _fetched(self, message: bytes) -> tuple[bytes, float]:
        now = time.monotonic()
        withheld = passed = copied = 0
        out = bytearray()
        for partition, start, end in self._records(message):
            if end <= start:
                continue
            if self._held_until.get(partition, 0) > now:
                out += message[copied : start - 4] + struct.pack(">i", 0)
                copied = end
                withheld += 1
            else:
                passed += end - start
        out += message[copied:]
        self.passed_bytes += passed
        seconds = _WITHHELD_SECONDS if withheld else 0.0
        if passed:
            seconds = max(seconds, self._draw.uniform(0, self.delay_seconds))
            if self.bytes_per_second is not None:
                self._next_answer = max(now, self._next_answer) + passed / self.bytes_per_second
                seconds = max(seconds, self._next_answer - now)
        return bytes(out), seconds

    @staticmethod
    def _records(message: bytes) -> Iterator[tuple[Partition, int, int]]:
        """Where the records of each partition are in an answer."""
        layout = _Layout(message, struct.calcsize(">iihi"))  # correlation id, throttled, error, session
        for _ in range(layout.number("i")):
            topic = layout.text()
            for _ in range(layout.number("i")):
                partition = layout.number("i")
                layout.skip("hqqq")  # error, high watermark, last stable offset, start of the log
                for _ in range(max(0, layout.number("i"))):
                    layout.skip("qq")  # of aborted transactions: producer, first offset
                layout.skip("i")  # replica to read from
                length = max(0, layout.number("i"))
                yield (topic, partition), layout.at, layout.at + length
                layout.at += length
