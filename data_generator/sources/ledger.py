"""The progress of a source, read from its topic.

Each record has three headers: its source, its number, and the run that wrote it. A source writes its records
in order and in transactions. So if a number is committed, all lower numbers are committed too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from data_generator.errors import DeliveryError
from kafka_topic.brokers import Brokers
from kafka_topic.connection import open_consumer

SOURCE, NUMBER, RUN = "source", "n", "run"
_FIRST_LOOK = 1000
_POLL_SECONDS = 0.1


class Written(NamedTuple):
    """so_far: the number of the source's records in the topic. last: the bytes of the last one, if any; run:
    the run that wrote it, if it says so.
    """

    so_far: int
    last: bytes | None
    run: str | None = None


def headers(source: str, number: int, run: str) -> list[tuple[str, str | bytes | None]]:
    """The headers of a source's record; numbers start at 0."""
    return [(SOURCE, source.encode()), (NUMBER, b"%d" % number), (RUN, run.encode())]


def written(
    brokers: Brokers, topic: str, source: str, *, deadline: float, wait_for_open: bool = True
) -> Written:
    """The committed records of the source in the topic.

    wait_for_open: wait until the open transactions in the topic end; otherwise, read up to the first one.
    deadline: on the monotonic clock. Raises DeliveryError when it passes, for example because another
    producer's transaction stays open, and KafkaTopicError if no broker answers.
    """
    partitions = brokers.partitions([topic]).get(topic, [])
    begins = brokers.earliest(partitions)
    ends = brokers.latest(partitions) if wait_for_open else brokers.committed_ends(partitions)
    consumer = open_consumer(brokers.bootstrap_servers, enable_partition_eof=True, fetch_wait_max_ms=10)
    last = Written(0, None)
    try:
        for (_, partition), end in ends.items():
            begin, back = begins[topic, partition], _FIRST_LOOK
            while end > begin:
                start = max(begin, end - back)
                consumer.assign([TopicPartition(topic, partition, start)])
                found = _last_in(_committed(consumer, end, deadline), source)
                last = max(last, found, key=lambda each: each.so_far)
                if found.so_far or start == begin:
                    break
                # Other producers' records may follow the source's last one.
                back *= 10
    finally:
        consumer.close()
    return last


def _last_in(records: Iterable[Message], source: str) -> Written:
    last = Written(0, None)
    for record in records:
        found = dict(record.headers() or ())
        number, run = found.get(NUMBER) or b"", found.get(RUN)
        # A record of this source always has a number. Without one, another program has written it.
        if found.get(SOURCE) == source.encode() and number.isdigit():
            run_id = run.decode(errors="replace") if isinstance(run, bytes) else None
            last = Written(int(number) + 1, record.value(), run_id)
    return last


def _committed(consumer: Consumer, end: int, deadline: float) -> Iterable[Message]:
    """The committed records before `end`; waits for open transactions before it."""
    while True:
        if time.monotonic() >= deadline:
            raise DeliveryError(
                "a transaction in the topic does not end, so the committed records are unknown; "
                "run this again in a minute"
            )
        for message in consumer.consume(10_000, timeout=_POLL_SECONDS):
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            # An event marks the end of the committed records; its offset is also after transaction markers.
            if (message.offset() or 0) >= end:
                return
            if error is None:
                yield message
