"""Hands records to Kafka, each exactly once and in order, and counts the outcomes."""

from __future__ import annotations

import logging
import time
from typing import Any

from confluent_kafka import KafkaError

from data_generator.counters import Counters
from data_generator.errors import DeliveryError
from kafka_topic.connection import open_producer
from kafka_topic.names import Topics

_LOG = logging.getLogger(__name__)

LINGER_MS = 50
"""How long a tick waits for others of its partition. The default rate is 50 per second and position, and a
request costs the broker much more CPU than a tick."""


class Delivery:
    """The Kafka client of the generator, with a bounded queue.

    The Kafka timestamp of a record is the time of writing. Retention depends on it, and would delete records
    with old event times.
    """

    def __init__(
        self, bootstrap_servers: str, topics: Topics, counters: Counters, *, max_queued: int
    ) -> None:
        self.counters = counters
        self.last_error = ""
        self.progress_at = time.monotonic()
        self._max_queued = max_queued
        self._fatal: KafkaError | None = None
        self._topics = topics
        self._delivered = 0
        self._failed = 0
        self._producer = open_producer(
            bootstrap_servers,
            on_error=self._note_error,
            enable_idempotence=True,  # implies acks=all and a gapless order per partition over retries
            acks="all",
            message_timeout_ms=0,  # a tick waits for Kafka without limit
            compression_type="lz4",
            linger_ms=LINGER_MS,
            # Above our own limit, so that ours applies.
            queue_buffering_max_messages=2 * max_queued,
        )

    def capacity(self) -> int:
        """How many more ticks the queue accepts."""
        return max(0, self._max_queued - len(self._producer))

    def send(self, symbol: str, records: list[bytes]) -> list[bytes]:
        """Queue at most `capacity()` records of a position; returns those that can't be queued because the
        topic is missing.
        """
        count = self.counters.positions[symbol]
        messages: list[dict[str, Any]] = [{"value": record, "key": symbol} for record in records]
        taken = self._producer.produce_batch(
            self._topics.position(symbol), messages, on_delivery=count.on_delivery
        )
        count.produced += taken
        return (
            [message["value"] for message in messages if "_error" in message] if taken < len(records) else []
        )

    def poll(self, seconds: float = 0) -> None:
        """Count the delivery reports that have come, and wait at most `seconds` for the first.

        Raises DeliveryError when the client has failed for good.
        """
        self._producer.poll(seconds)
        delivered = self.counters.total("delivered")
        if delivered != self._delivered:
            self._delivered = delivered
            self.progress_at = time.monotonic()
            self.last_error = ""
        self._note_failed()
        if self._fatal is not None:
            raise DeliveryError(f"the Kafka client failed for good: {self._fatal.str()}; {self.counters}")

    def _note_failed(self) -> None:
        failed = self.counters.total("failed")
        if failed == self._failed:
            return
        reasons = {
            f"{symbol}: {count.last_error}"
            for symbol, count in self.counters.positions.items()
            if count.failed
        }
        _LOG.warning("Kafka refused %d more ticks; %s", failed - self._failed, "; ".join(sorted(reasons)))
        self._failed = failed

    def _note_error(self, error: KafkaError) -> None:
        self.last_error = error.str()
        if error.fatal():
            self._fatal = error
