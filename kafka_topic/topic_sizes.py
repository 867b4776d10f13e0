"""How much topics hold, estimated from a few of their records.

Brokers tell the bytes of their files (DescribeLogDirs) only to clients that confluent_kafka is not.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from confluent_kafka import TopicPartition

from kafka_topic.brokers import Brokers
from kafka_topic.browsing import TopicInfo
from kafka_topic.connection import open_consumer

SAMPLED = 20
"""How many offsets at the end of a topic are looked at, however large it is."""


def estimate(topic: TopicInfo, sizes: Sequence[int]) -> int | None:
    """The bytes of a topic whose records all have the mean of these sizes; None if that is not known."""
    if not sizes:
        return None if topic.offsets or topic.errors else 0
    return round(sum(sizes) / len(sizes) * topic.offsets)


def estimates(brokers: Brokers, topics: Iterable[TopicInfo], *, seconds: float) -> dict[str, int | None]:
    """The bytes of keys and values in each topic: its offsets times the mean of its last records.

    All topics are read at once. One that does not answer within `seconds`, or refuses, is None.
    """
    topics, deadline = list(topics), time.monotonic() + seconds
    sizes: dict[str, list[int]] = {topic.name: [] for topic in topics}
    starts, ends = [], {}
    for topic in topics:
        if topic.offsets:
            number, span = max(topic.spans.items(), key=lambda item: item[1].end - item[1].begin)
            starts.append(TopicPartition(topic.name, number, max(span.begin, span.end - SAMPLED)))
            ends[topic.name] = span.end
    consumer = open_consumer(brokers.bootstrap_servers, enable_partition_eof=True, fetch_wait_max_ms=10)
    try:
        consumer.assign(starts)
        while ends and time.monotonic() < deadline:
            for message in consumer.consume(10_000, timeout=0.02):
                name, offset = message.topic() or "", message.offset() or 0
                # The end of a log shows as an error, also where markers fill its last offsets.
                if message.error() is None:
                    sizes[name].append(len(message.key() or b"") + len(message.value() or b""))
                if message.error() is not None or offset + 1 >= ends.get(name, 0):
                    ends.pop(name, None)
    finally:
        consumer.close()
    return {topic.name: estimate(topic, sizes[topic.name]) for topic in topics}
