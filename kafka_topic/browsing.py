"""Looking into topics: what there are, and a few of their records, by offset, time or key. It only reads.

No look reads more than SCANNED records of a partition, however large the topic is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

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


@dataclass(frozen=True)
class Record:
    """A record as it lies in its topic. time: its Kafka record timestamp."""

    partition: int
    offset: int
    time: datetime
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes | None]


class Page(NamedTuple):
    """Records, the oldest first. bounded: whether there may be more that were not looked at."""

    records: list[Record]
    bounded: bool


def topics(brokers: Brokers) -> list[TopicInfo]:
    """Every topic but Kafka's own."""
    names = [name for name in brokers.names() if not name.startswith("__")]
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


def last_records(
    brokers: Brokers,
    topic: TopicInfo,
    count: int,
    *,
    partitions: Iterable[int],
    key: bytes | None,
    seconds: float,
) -> Page:
    """The last `count` committed records of these partitions, or of those that have the key."""
    found: list[Record] = []
    bounded = False
    with _reader(brokers) as consumer:
        for partition in partitions:
            begin, end = topic.spans[partition]
            back = count
            while True:
                start = max(begin, end - back)
                read = _between(consumer, topic.name, partition, start, end, seconds)
                last = deque((one for one in read if key in (None, one.key)), maxlen=count)
                if len(last) == count or start == begin or back >= SCANNED:
                    break
                back = min(SCANNED, back * _WIDER)
            bounded |= len(last) < count and start > begin
            found += last
    return Page(sorted(found, key=_place)[-count:], bounded)


def records_from(
    brokers: Brokers,
    topic: TopicInfo,
    count: int,
    *,
    starts: Mapping[int, int],
    since: datetime | None = None,
    key: bytes | None,
    seconds: float,
) -> Page:
    """The first `count` committed records from these offsets on, or of those that have the key.

    since: leave out records with an earlier Kafka record timestamp. The offset that Kafka finds for a time
    may be that of a transaction's marker or of an aborted record, and earlier records may follow it.
    """
    found: list[Record] = []
    bounded = False
    with _reader(brokers) as consumer:
        for partition, start in starts.items():
            end, mine = topic.spans[partition].end, 0
            stop = min(end, start + SCANNED)
            for one in _between(consumer, topic.name, partition, start, stop, seconds):
                if key in (None, one.key) and (since is None or one.time >= since):
                    found.append(one)
                    mine += 1
                    if mine == count:
                        break
            bounded |= mine < count and stop < end
    return Page(sorted(found, key=_place)[:count], bounded)


def _place(record: Record) -> tuple[datetime, int, int]:
    return record.time, record.partition, record.offset


@contextmanager
def _reader(brokers: Brokers) -> Iterator[Consumer]:
    consumer = open_consumer(brokers.bootstrap_servers, enable_partition_eof=True)
    try:
        yield consumer
    finally:
        consumer.close()


def _between(
    consumer: Consumer, topic: str, partition: int, start: int, stop: int, seconds: float
) -> Iterator[Record]:
    """The records from `start` up to `stop`, which is left out."""
    place, deadline = (topic, partition), time.monotonic() + seconds
    for message in read_between(consumer, {place: start}, {place: stop}, deadline=deadline):
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
