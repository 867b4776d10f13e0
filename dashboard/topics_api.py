"""/api/topics: the topics, and pages of their records. It only reads, and never loads a whole topic."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar, cast

from aiohttp import web

from dashboard.answers import RecordAnswer, RecordsAnswer, TopicAnswer
from dashboard.requests import json_answer, known, time_of
from dashboard.settings import Settings
from kafka_topic.brokers import Brokers
from kafka_topic.browsing import Cursor, Page, Record, TopicInfo, matching, page_before, page_from, topics
from kafka_topic.contracts import format_time
from kafka_topic.errors import KafkaTopicError
from kafka_topic.record_text import as_text
from kafka_topic.topic_sizes import estimate, estimates

KAFKA_SECONDS = 5.0
READ_SECONDS = 15.0
SAMPLE_SECONDS = 2.0
RECORDS = 20
MOST_RECORDS = 100
MOST_CHARACTERS = 20_000
"""How much of a key or a value is shown."""
MOST_HEADERS = 100
MOST_HEADER_CHARACTERS = 200
MOST_AT_ONCE = 2
_CURSOR = re.compile(r"\d{1,9}:\d{1,18}(?:,\d{1,9}:\d{1,18})*", re.ASCII)
T = TypeVar("T")


class TopicsApi:
    """The handlers of /api/topics."""

    def __init__(self, settings: Settings) -> None:
        self._brokers = Brokers(settings.bootstrap_servers, timeout=KAFKA_SECONDS)
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/topics", self.all), web.get("/api/topics/records", self.records)]

    async def all(self, request: web.Request) -> web.StreamResponse:
        """Every topic but Kafka's own."""
        found, sizes = await self._ask(self._all)
        return json_answer({"topics": [each.document(sizes[each.name]) for each in found]})

    async def records(self, request: web.Request) -> web.StreamResponse:
        """A page of records: the last ones, or those from or before a cursor, an offset or a time."""
        query = request.query
        name = query.get("topic", "")
        count = _whole(query.get("count", str(RECORDS)), "count", 1, MOST_RECORDS)
        as_bytes = query.get("bytes") == "true"
        page, topic = await self._ask(lambda: self._page(request, name, count))
        shown = [_record(one, as_bytes=as_bytes) for one in page.records]
        answer: RecordsAnswer = {
            "topic": cast("TopicAnswer", topic.document(estimate(topic, [one["size"] for one in shown]))),
            "records": shown,
            "before": _written(
                {n: at for n, at in page.before.items() if at > topic.spans[n].begin}, page.before
            ),
            "after": _written({n: at for n, at in page.after.items() if at < topic.spans[n].end}, page.after),
            "bounded": page.bounded,
        }
        return json_answer(answer)

    def _all(self) -> tuple[list[TopicInfo], dict[str, int | None]]:
        found = topics(self._brokers)
        return found, estimates(self._brokers, found, seconds=SAMPLE_SECONDS)

    def _page(self, request: web.Request, name: str, count: int) -> tuple[Page, TopicInfo]:
        query = request.query
        topic = next(iter(topics(self._brokers, [name])), None)
        if topic is None:
            raise web.HTTPNotFound(text=f"there is no topic {name[:250]!r}; api/topics lists them")
        key, text = query.get("key"), query.get("text")
        since = time_of(request, "time")
        wanted = matching(
            key=key.encode() if key is not None else None,
            since=since,
            text=text.encode() if text else None,
        )
        starts = self._starts(request, topic, since)
        if starts is not None:
            page = page_from(self._brokers, topic, starts, count, wanted=wanted, seconds=READ_SECONDS)
        else:
            page = page_before(
                self._brokers, topic, _ends(request, topic), count, wanted=wanted, seconds=READ_SECONDS
            )
        return page, topic

    def _starts(self, request: web.Request, topic: TopicInfo, since: datetime | None) -> Cursor | None:
        """Where a page begins; None if the request names its end, or asks for the last records."""
        query = request.query
        if "before" in query:
            return None
        if "from" in query:
            return _cursor(query["from"], "from", topic)
        numbers = _numbers(query.get("partition"), topic)
        if "offset" in query:
            offset = _whole(query["offset"], "offset", 0, 10**18)
            return {number: _inside(topic, number, offset) for number in numbers}
        if since is None:
            return None
        partitions = self._brokers.partitions([topic.name])[topic.name]
        asked = [each for each in partitions if each.partition in numbers]
        found = self._brokers.since(asked, int(since.timestamp() * 1000))
        return {number: offset for (_, number), offset in found.items()}

    async def _ask(self, call: Callable[[], T]) -> T:
        async with self._turns:
            try:
                return await asyncio.to_thread(call)
            except KafkaTopicError as error:
                raise web.HTTPServiceUnavailable(text=str(error)) from None


def _ends(request: web.Request, topic: TopicInfo) -> Cursor:
    """Where a page ends."""
    if "before" in request.query:
        return _cursor(request.query["before"], "before", topic)
    numbers = _numbers(request.query.get("partition"), topic)
    return {number: topic.spans[number].end for number in numbers}


def _numbers(text: str | None, topic: TopicInfo) -> list[int]:
    """The partitions to read: one, or all that can be read."""
    if text is None:
        return list(topic.spans)
    return [int(known("partition", text, [str(number) for number in topic.spans]))]


def _cursor(text: str, name: str, topic: TopicInfo) -> Cursor:
    """A position between records of each partition, as an earlier page named it."""
    if not _CURSOR.fullmatch(text):
        raise web.HTTPBadRequest(
            text=f"{name}={text[:60]} must be such as 0:120,1:88, as an earlier page gave it"
        )
    offsets = dict(pair.split(":") for pair in text.split(","))
    return {
        int(number): _inside(topic, int(number), int(offset))
        for number, offset in offsets.items()
        if int(number) in topic.spans
    }


def _inside(topic: TopicInfo, number: int, offset: int) -> int:
    """The offset, moved into the log: its beginning moves on as old records are deleted."""
    begin, end = topic.spans[number]
    return min(max(offset, begin), end)


def _written(more: Cursor, offsets: Cursor) -> str | None:
    """A cursor as text; None if there is nothing beyond it."""
    return ",".join(f"{number}:{offset}" for number, offset in offsets.items()) if more else None


def _whole(text: str, name: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18 or not least <= int(text) <= most:
        raise web.HTTPBadRequest(text=f"{name}={text[:60]} must be a whole number from {least} to {most}")
    return int(text)


def _record(record: Record, *, as_bytes: bool) -> RecordAnswer:
    cut = len(record.headers) > MOST_HEADERS

    def shown(data: bytes | None, most: int = MOST_CHARACTERS) -> Any:
        nonlocal cut
        whole = as_text(data, as_bytes=as_bytes)
        part = _part(whole, most)
        cut |= part != whole
        return part

    return {
        "partition": record.partition,
        "offset": record.offset,
        "time": format_time(record.time),
        "key": shown(record.key),
        "value": shown(record.value),
        "headers": {
            name[:MOST_HEADER_CHARACTERS]: shown(value, MOST_HEADER_CHARACTERS)
            for name, value in islice(record.headers.items(), MOST_HEADERS)
        },
        "size": len(record.key or b"") + len(record.value or b""),
        "cut": cut,
    }


def _part(text: Any, most: int) -> Any:
    if isinstance(text, dict):
        return {"base64": text["base64"][:most]}
    return text[:most] if isinstance(text, str) else text
