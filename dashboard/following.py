"""Follows topics that may be missing or have no leader: those are left out until they are back."""

from __future__ import annotations

import time
from collections.abc import Collection

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from kafka_topic.brokers import Brokers
from kafka_topic.connection import open_consumer

POLL_SECONDS = 0.1
CONNECT_SECONDS = 5.0
CATCH_UP_SECONDS = 10.0
"""A reader that is still behind after this time skips to the present, because nobody wants old records."""
BEHIND_MS = 2000
BATCH = 2000
LOOK_SECONDS = 5.0
"""How often it checks which partitions can be read."""
_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}


class Following:
    """The records of some topics from `past_seconds` back on.

    at_least: begin with so many records of each partition, even if they are older.
    """

    def __init__(
        self, bootstrap_servers: str, topics: Collection[str], past_seconds: float, *, at_least: int = 0
    ) -> None:
        self._topics = topics
        self._past_seconds = past_seconds
        self._at_least = at_least
        self._brokers = Brokers(bootstrap_servers, timeout=CONNECT_SECONDS)
        self._consumer: Consumer = open_consumer(
            bootstrap_servers,
            queued_max_messages_kbytes=16384,
            # Several records for each request, rather than a request for each record.
            fetch_min_bytes=65_536,
            fetch_wait_max_ms=50,
        )
        self._read: set[tuple[str, int]] = set()
        try:
            self._look()
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Disconnect from the brokers."""
        self._consumer.close()

    def batch(self) -> list[Message]:
        """The records that have come."""
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._look()
        messages = []
        for message in self._consumer.consume(BATCH, POLL_SECONDS):
            if (error := message.error()) is None:
                messages.append(message)
            elif error.code() not in _GONE:
                raise KafkaException(error)
        if (
            len(messages) == BATCH
            and time.time() * 1000 - messages[-1].timestamp()[1] > BEHIND_MS
            and time.monotonic() - self._assigned_at > CATCH_UP_SECONDS
        ):
            self._skip_to_the_present()
        return messages

    def _look(self) -> None:
        """Start reading partitions that have a leader now, and stop reading those that have none."""
        leaders = self._brokers.leaders(self._topics)
        led = {
            (topic, number)
            for topic, several in leaders.items()
            for number, leader in several.items()
            if leader is not None
        }
        if gone := self._read - led:
            self._consumer.incremental_unassign([TopicPartition(*partition) for partition in gone])
        if new := [TopicPartition(*partition) for partition in led - self._read]:
            past = self._brokers.since(new, int((time.time() - self._past_seconds) * 1000))
            if self._at_least:
                ends = self._brokers.latest(new)
                past = {each: max(0, min(at, ends[each] - self._at_least)) for each, at in past.items()}
            self._consumer.incremental_assign(
                [TopicPartition(*partition, at) for partition, at in past.items()]
            )
            self._assigned_at = time.monotonic()
        self._read, self._looked_at = led, time.monotonic()

    def _skip_to_the_present(self) -> None:
        latest = self._brokers.latest(TopicPartition(*partition) for partition in self._read)
        self._consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in latest.items()])
        self._assigned_at = time.monotonic()
