"""Writing a given number of records, each exactly once, despite kills, restarts, double runs and outages.

A source has one transactional id per topic. A new run fences the previous one: Kafka aborts the open
transaction and rejects whatever the previous run still sends. The topic itself states where to continue, and
which run wrote last (`ledger`).

A run that retries opens its producer again, which would fence a newer run in turn. So it looks into the topic
first: where a newer run has written, it ends.
"""

from __future__ import annotations

import logging
import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from data_generator.errors import DeliveryError
from data_generator.sources.ledger import Written, headers, written
from kafka_topic.brokers import Brokers
from kafka_topic.connection import open_producer
from kafka_topic.errors import KafkaTopicError

_LOG = logging.getLogger(__name__)
BLOCK = 1000
"""Records per transaction."""
WITHOUT_END = sys.maxsize
"""A total that no source reaches."""
_CALL_SECONDS = 10.0
# Limits log lines: a stream's blocks are small.
_LOG_SECONDS = 10.0
_PAUSE_SECONDS = 0.5
# A killed run blocks readers for this long, unless a new run starts earlier.
_TRANSACTION_MS = 30_000
_FENCED = {
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
}


class Record(NamedTuple):
    """A record to write. epoch_ms: its Kafka timestamp; None: the time of writing."""

    key: str
    value: bytes
    epoch_ms: int | None = None


Make = Callable[[int, int, Written], Sequence[Record]]
"""Makes the records start to stop - 1 of a source, given what this run found in the topic when it began.

It may return fewer, only those that are due. It waits for the first one.
"""


@dataclass(frozen=True)
class Target:
    """Where a source writes. patience: seconds without progress after which it gives up.

    run: marks the records of this run.
    """

    bootstrap_servers: str
    topic: str
    source: str
    patience: float = 60.0
    run: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def transactional_id(self) -> str:
        """The id of this source in this topic."""
        return f"{self.topic}.{self.source}"


def write_exactly(total: int, make: Make, target: Target, stop: threading.Event) -> int:
    """Write until the topic holds `total` records of the source; returns how many this run wrote.

    Raises DeliveryError if another run takes over, if nothing is written for `patience` seconds, or if `stop`
    is set before the end.
    """
    brokers = Brokers(target.bootstrap_servers, timeout=_CALL_SECONDS)
    wrote, moved_at, said = 0, time.monotonic(), "nothing"
    logged_at = float("-inf")
    of_total = "" if total == WITHOUT_END else f" of {total}"
    began: Written | None = None
    start = 0
    while True:
        try:
            _check_topic(brokers, target)
            if began is not None:
                _check_newest(brokers, target, began)
            producer = _producer(target)
            found = written(brokers, target.topic, target.source, deadline=time.monotonic() + target.patience)
            if began is None or found.so_far > start:
                moved_at = time.monotonic()
            began, start = began or found, found.so_far
            wrote = max(0, start - began.so_far)
            while start < total and not stop.is_set():
                asked_at = time.monotonic()
                block = make(start, min(start + BLOCK, total), began)
                # Waiting for records that are due later is no lack of progress.
                moved_at += time.monotonic() - asked_at
                if block:
                    _commit(producer, target, start, block)
                    start += len(block)
                    wrote = start - began.so_far
                    moved_at = time.monotonic()
                    if len(block) == BLOCK or start >= total or moved_at - logged_at > _LOG_SECONDS:
                        logged_at = moved_at
                        _LOG.info("%d%s are in %s", start, of_total, target.topic)
            if start >= total:
                return wrote
        except KafkaException as error:
            said = error.args[0].str()
            if error.args[0].code() in _FENCED:
                raise _taken_over(target) from None
        except KafkaTopicError as error:
            said = str(error)
        if stop.is_set():
            raise DeliveryError(f"stopped; run it again to write the missing records to {target.topic}")
        if time.monotonic() - moved_at > target.patience:
            raise DeliveryError(
                f"no record was written to {target.topic} for {target.patience:g} s, after {wrote}: {said}; "
                "run it again to write the missing ones"
            )
        _LOG.info("retrying from the last record in %s, after: %s", target.topic, said)
        stop.wait(_PAUSE_SECONDS)


def _check_topic(brokers: Brokers, target: Target) -> None:
    if target.topic not in brokers.partitions([target.topic]):
        raise KafkaTopicError(f"there is no topic {target.topic}: create it; a source never creates topics")


def _check_newest(brokers: Brokers, target: Target, began: Written) -> None:
    """Raise DeliveryError if another run has written since this one began."""
    deadline = time.monotonic() + target.patience
    found = written(brokers, target.topic, target.source, deadline=deadline, wait_for_open=False)
    if found.run not in (target.run, began.run):
        raise _taken_over(target)


def _taken_over(target: Target) -> DeliveryError:
    return DeliveryError(
        f"another run of {target.source} has taken over; it writes the missing records to {target.topic}"
    )


def _producer(target: Target) -> Producer:
    producer = open_producer(
        target.bootstrap_servers,
        transactional_id=target.transactional_id,
        transaction_timeout_ms=_TRANSACTION_MS,
        compression_type="lz4",
        linger_ms=5,
    )
    producer.init_transactions(_CALL_SECONDS)
    return producer


def _commit(producer: Producer, target: Target, start: int, block: Sequence[Record]) -> None:
    producer.begin_transaction()
    try:
        for number, record in enumerate(block, start):
            producer.produce(
                target.topic,
                record.value,
                record.key,
                headers=headers(target.source, number, target.run),
                # 0 means the time of writing.
                timestamp=record.epoch_ms or 0,
            )
    except KafkaException as error:
        # `produce` says that there was a fatal error. The commit, which fails too, says which: a fence.
        if error.args[0].code() != KafkaError._FATAL:
            raise
    producer.commit_transaction(_CALL_SECONDS)
