"""Server-sent events: each committed record once. A slow reader misses the oldest."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aiohttp import web

from dashboard.history import History, News
from dashboard.requests import chosen
from dashboard.viewers import Viewers
from kafka_topic.names import Topics

KEEP_ALIVE_SECONDS = 10.0
TOPICS = ("movingaverage", "signals", "dead_letter")
RECORDS = "movingaverage"
_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Wanted:
    """The records that a reader wants. symbols: all when empty."""

    topics: set[str]
    labels: set[str]
    symbols: set[str]


class Events:
    """The handler of /api/stream, and the open streams."""

    def __init__(self, history: History, viewers: Viewers, topics: Topics) -> None:
        self._history = history
        self._viewers = viewers
        self._topics = topics
        self._run = secrets.token_hex(4)  # sequence numbers of an earlier run are invalid in this one
        self._open: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """End all streams, which have no end of their own."""
        for task in self._open:
            task.cancel()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Stream until the reader leaves."""
        wanted = Wanted(
            chosen(request, "topic", TOPICS) or {RECORDS},
            chosen(request, "window", self._history.labels) or {self._history.labels[0]},
            chosen(request, "position", self._history.positions),
        )
        headers = {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
            "X-Accel-Buffering": "no",
        }
        response = web.StreamResponse(headers=headers)
        seen = self._seen(request)
        await response.prepare(request)
        task = asyncio.create_task(self._send(response, wanted, seen))
        self._open.add(task)
        try:
            # aiohttp's shutdown must not cancel the handler before the stream is closed.
            await asyncio.wait([task])
        finally:
            task.cancel()
            self._open.discard(task)
        return response

    def _seen(self, request: web.Request) -> int:
        """The sequence number up to which the reader has seen everything."""
        run, _, last = request.headers.get("Last-Event-ID", "").partition("-")
        if run == self._run and _NUMBER.fullmatch(last):
            return int(last)
        return 0 if request.query.get("start") == "beginning" else self._history.seq

    async def _send(self, response: web.StreamResponse, wanted: Wanted, seen: int) -> None:
        with contextlib.suppress(ConnectionResetError):
            await response.write(b"retry: 2000\n\n")
            while True:
                news = self._history.since(seen)
                lines = [
                    f"event: {topic}\ndata: ".encode() + data + b"\n"
                    for topic, data in self._of(news, wanted)
                ]
                if lines:
                    # Only the last event carries the number: a reader that was cut off gets the others again.
                    await response.write(b"\n".join(lines) + f"id: {self._run}-{news.seq}\n\n".encode())
                seen = news.seq
                try:
                    await asyncio.wait_for(self._viewers.next_beat(), KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    await response.write(b":\n\n")

    def _of(self, news: News, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
        """The wanted records, with their topics."""

        def of_symbols(symbols: Iterable[str]) -> list[str]:
            return [symbol for symbol in symbols if not wanted.symbols or symbol in wanted.symbols]

        if "movingaverage" in wanted.topics:
            for symbol in of_symbols(news.windows):
                for label in wanted.labels & news.windows[symbol].keys():
                    for record in news.windows[symbol][label]:
                        yield "movingaverage", record.to_json()
        if "signals" in wanted.topics:
            for symbol in of_symbols(news.signals):
                for signal in news.signals[symbol]:
                    yield "signals", signal.to_json()
        if "dead_letter" in wanted.topics:
            for letter in news.letters:
                if not wanted.symbols or self._topics.symbol_of(letter.topic) in wanted.symbols:
                    yield "dead_letter", letter.to_json()
