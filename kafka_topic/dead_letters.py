"""Counts the dead letters by reason."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from kafka_topic.brokers import Brokers, read_between
from kafka_topic.connection import open_consumer
from kafka_topic.contracts import REASONS, DeadLetter
from kafka_topic.errors import ContractError, RecordTimeoutError
from kafka_topic.names import Topics


@dataclass(frozen=True)
class DeadLetterCounts:
    """The dead letters that the topic still holds.

    by_reason: in the order of REASONS; only reasons that occur. complete: False when time ran out before all
    were counted, so that there may be more.
    """

    by_reason: Mapping[str, int]
    complete: bool

    @property
    def total(self) -> int:
        """The number of all dead letters."""
        return sum(self.by_reason.values())


def count_dead_letters(
    bootstrap_servers: str, *, prefix: str = "", timeout: float = 10.0
) -> DeadLetterCounts:
    """Read the committed records of `dead_letter` from its beginning, for at most `timeout` seconds.

    A missing topic has none. Raises BrokerUnreachableError when no broker answers within `timeout`.
    """
    deadline = time.monotonic() + timeout
    brokers = Brokers(bootstrap_servers, timeout=timeout)
    topic = Topics(prefix).dead_letter
    partitions = brokers.partitions([topic]).get(topic, [])
    start, stop = brokers.earliest(partitions), brokers.latest(partitions)
    found: Counter[str] = Counter()
    consumer = open_consumer(bootstrap_servers, enable_partition_eof=True, fetch_wait_max_ms=10)
    complete = True
    try:
        for message in read_between(consumer, start, stop, deadline=deadline):
            value = message.value()
            try:
                found[DeadLetter.from_json(value if isinstance(value, bytes) else b"").reason] += 1
            except ContractError:
                continue  # its readers report a broken letter
    except RecordTimeoutError:
        complete = False
    finally:
        consumer.close()
    return DeadLetterCounts({reason: found[reason] for reason in REASONS if reason in found}, complete)
