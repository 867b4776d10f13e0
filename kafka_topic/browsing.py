"""Looking into topics: what there are, and a few of their records, by offset, time or key. It only reads.

No look reads more than SCANNED records of a partition, however large the topic is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from confluent_kafka import Consumer, Message

from kafka_topic.brokers import Brokers, Span, read_between
from kafka_topic.config import CLEANUP, LARGEST_BATCH, RETENTION, RETENTION_BYTES, TIMESTAMP_TYPE
from kafka_topic.connection import open_consumer
from kafka_topic.errors import KafkaTopicError

SCANNED = 100_000
SETTINGS = (CLEANUP, RETENTION, RETENTION_BYTES, TIMESTAMP_TYPE, LARGEST_BATCH)
"""The settings that say what becomes of records."""
_WIDER = 8


@dataclass(frozen=True)
class TopicInfo:
    """A topic.

    spans: where the log of each partition begins and ends. settings: of SETTINGS, in force. errors: of the
    partitions whose leader does not answer, which are not in `spans`.
    """

    name: str
    spans: Mapping[int, Span]
    settings: Mapping[str, str]
    errors: Mapping[int, KafkaTopicError] = field(default_factory=dict)

    @property
    def offsets(self) -> int:
        """How many offsets its logs hold: records, and also markers of transactions and what was aborted."""
        return sum(span.end - span.begin for span in self.spans.values())

    def document(self, size: int | None) -> dict[str, Any]:
        """The topic for JSON. size: its estimated bytes, if they are known."""
        return {
            "topic": self.name,
            "partitions": [
                {"partition": number, "begin": span.begin, "end": span.end}
                for number, span in self.spans.items()
            ],
            "unreachable": list(self.errors),
            "offsets": self.offsets,
            "size": size,
            "settings": dict(self.settings),
        }


@dataclass(frozen=True)
class Record:
    """A record as it lies in its topic. time: its Kafka record timestamp."""

    partition: int
    offset: int
    time: datetime
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes | None]


Wanted = Callable[[Record], bool]
"""Whether a record belongs on a page."""
Cursor = Mapping[int, int]
"""Offsets by partition."""


class Page(NamedTuple):
    """Records, the oldest first.

    before, after: where the page of older records ends, and where that of newer ones begins. bounded: whether
    more records might match, which were not looked at.
    """

    records: list[Record]
    before: Cursor
    after: Cursor
    bounded: bool


def matching(*, key: bytes | None = None, since: datetime | None = None, text: bytes | None = None) -> Wanted:
    """Records with this key, not older than a time, with a text in their key or value; None: any.

    since: also needed if Kafka found the first offset for a time. That may be the offset of a marker of a
    transaction or of an aborted record, and earlier records may follow it.
    """

    def wanted(record: Record) -> bool:
        return (
            key in (None, record.key)
            and (since is None or record.time >= since)
            and (text is None or text in (record.value or b"") or text in (record.key or b""))
        )

    return wanted


def topics(brokers: Brokers, wanted: Collection[str] | None = None) -> list[TopicInfo]:
    """Every topic but Kafka's own; wanted: only these of them."""
    names = [
        name for name in brokers.names() if not name.startswith("__") and (wanted is None or name in wanted)
    ]
    partitions = brokers.partitions(names)
    spans, errors = brokers.spans(each for found in partitions.values() for each in found)
    configs = brokers.configs(names)
    return [
        TopicInfo(
            name,
            {number: span for (topic, number), span in sorted(spans.items()) if topic == name},
            {setting: configs[name][setting] for setting in SETTINGS if setting in configs[name]},
            {number: error for (topic, number), error in errors.items() if topic == name},
        )
        for name in names
    ]


def page_before(
    brokers: Brokers, topic: TopicInfo, ends: Cursor, count: int, *, wanted: Wanted, seconds: float
) -> Page:
    """The last `count` committed records before these offsets that are wanted."""
    records: list[Record] = []
    before: dict[int, int] = {}
    bounded, deadline = False, time.monotonic() + seconds
    with _reader(brokers) as consumer:
        for partition, end in ends.items():
            begin, back = topic.spans[partition].begin, count
            while True:
                start = max(begin, end - back)
                read = _between(consumer, topic.name, partition, start, end, deadline)
                last = deque(filter(wanted, read), maxlen=count)
                if len(last) == count or start == begin or back >= SCANNED:
                    break
                back = min(SCANNED, back * _WIDER)
            bounded |= len(last) < count and start > begin
            before[partition] = last[0].offset if len(last) == count else start
            # Merged at once, so memory holds two pages however many partitions there are.
            merged = list(merge(records, last, key=_order))
            records = merged[-count:]
            for left_out in merged[:-count]:
                before[left_out.partition] = max(before[left_out.partition], left_out.offset + 1)
    return Page(records, before, ends, bounded)


def page_from(
    brokers: Brokers, topic: TopicInfo, starts: Cursor, count: int, *, wanted: Wanted, seconds: float
) -> Page:
    """The first `count` committed records from these offsets on that are wanted."""
    records: list[Record] = []
    after: dict[int, int] = {}
    bounded, deadline = False, time.monotonic() + seconds
    with _reader(brokers) as consumer:
        for partition, start in starts.items():
            end = topic.spans[partition].end
            stop = min(end, start + SCANNED)
            read = _between(consumer, topic.name, partition, start, stop, deadline)
            first = list(islice(filter(wanted, read), count))
            bounded |= len(first) < count and stop < end
            after[partition] = first[-1].offset + 1 if len(first) == count else max(start, stop)
            merged = list(merge(records, first, key=_order))
            records = merged[:count]
            for left_out in merged[count:]:
                after[left_out.partition] = min(after[left_out.partition], left_out.offset)
    return Page(records, starts, after, bounded)


def _order(record: Record) -> tuple[datetime, int, int]:
    return record.time, record.partition, record.offset


@contextmanager
def _reader(brokers: Brokers) -> Iterator[Consumer]:
    consumer = open_consumer(brokers.bootstrap_servers, enable_partition_eof=True, fetch_wait_max_ms=10)
    try:
        yield consumer
    finally:
        consumer.close()


def _between(
    consumer: Consumer, topic: str, partition: int, start: int, stop: int, deadline: float
) -> Iterator[Record]:
    """The records from `start` up to `stop`, which is left out."""
    source = (topic, partition)
    for message in read_between(consumer, {source: start}, {source: stop}, deadline=deadline):
        yield _record(message)


def _record(message: Message) -> Record:
    _, epoch_ms = message.timestamp()
    return Record(
        message.partition() or 0,
        message.offset() or 0,
        datetime.fromtimestamp(max(0, epoch_ms) / 1000, UTC),
        message.key(),
        message.value(),
        {
            name: value.encode() if isinstance(value, str) else value
            for name, value in dict(message.headers() or {}).items()
        },
    )
