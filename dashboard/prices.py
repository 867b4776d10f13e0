"""Samples the position topics: counts every tick, parses few."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from dashboard.history import History
from dashboard.settings import Settings
from kafka_topic.brokers import Brokers
from kafka_topic.connection import open_consumer
from kafka_topic.contracts import Price
from kafka_topic.errors import ContractError
from kafka_topic.names import Topics

POLL_SECONDS = 0.1
CONNECT_SECONDS = 5.0
SAMPLE_MS = 100
"""The shortest time between two kept prices of a position; a screen shows no more."""
PAST_SECONDS = 60.0
"""How far back prices are read at the start."""
CATCH_UP_SECONDS = 10.0
"""A reader that is still behind after this time skips to the present, because nobody wants old prices."""
BEHIND_MS = 2000
BATCH = 2000
LOOK_SECONDS = 5.0
"""How often it checks which partitions can be read."""
_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}


class PriceSampler:
    """Samples the position topics. Topics that are missing or have no leader are left out until they are
    back.
    """

    def __init__(self, settings: Settings, history: History) -> None:
        self._history = history
        topics = Topics(settings.prefix)
        self._symbols = {topics.position(symbol): symbol for symbol in settings.positions}
        self._brokers = Brokers(settings.bootstrap_servers, timeout=CONNECT_SECONDS)
        self._sampled = dict.fromkeys(self._symbols, 0)
        self._held: dict[str, Message] = {}
        self._consumer: Consumer = open_consumer(
            settings.bootstrap_servers, queued_max_messages_kbytes=16384, fetch_wait_max_ms=100
        )
        self._read: set[tuple[str, int]] = set()
        try:
            self._look()
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        self._consumer.close()

    def read(self) -> int:
        """Take the records that have come; returns how many broke their contract."""
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._look()
        messages = self._consumer.consume(BATCH, POLL_SECONDS)
        broken, counts = 0, dict.fromkeys(self._symbols, 0)
        for message in messages:
            if (error := message.error()) is not None:
                if error.code() in _GONE:
                    continue
                raise KafkaException(error)
            topic = message.topic() or ""
            counts[topic] += 1
            if message.timestamp()[1] - self._sampled[topic] < SAMPLE_MS:
                self._held[topic] = message
            else:
                broken += not self._take(topic, message)
        now_ms = time.time() * 1000
        # The last tick before a silence is kept, however soon it followed another.
        for topic, message in list(self._held.items()):
            if now_ms - message.timestamp()[1] >= SAMPLE_MS:
                broken += not self._take(topic, message)
        for topic, count in counts.items():
            if count:
                self._history.count_ticks(self._symbols[topic], count)
        if (
            len(messages) == BATCH
            and now_ms - messages[-1].timestamp()[1] > BEHIND_MS
            and time.monotonic() - self._assigned_at > CATCH_UP_SECONDS
        ):
            self._assign(self._brokers.latest(TopicPartition(*partition) for partition in self._read))
        return broken

    def _look(self) -> None:
        """Start reading partitions that have a leader now, and stop reading those that have none."""
        leaders = self._brokers.leaders(self._symbols)
        led = {
            (topic, number)
            for topic, several in leaders.items()
            for number, leader in several.items()
            if leader is not None
        }
        if gone := self._read - led:
            self._consumer.incremental_unassign([TopicPartition(*partition) for partition in gone])
        if new := [TopicPartition(*partition) for partition in led - self._read]:
            past = self._brokers.since(new, int((time.time() - PAST_SECONDS) * 1000))
            self._consumer.incremental_assign(
                [TopicPartition(*partition, at) for partition, at in past.items()]
            )
            self._assigned_at = time.monotonic()
        self._read, self._looked_at = led, time.monotonic()

    def _take(self, topic: str, message: Message) -> bool:
        self._held.pop(topic, None)
        self._sampled[topic] = message.timestamp()[1]
        value = message.value()
        try:
            data = value if isinstance(value, bytes) else b""
            self._history.add_price(Price.from_json(data, self._symbols[topic]))
        except ContractError:
            return False
        return True

    def _assign(self, offsets: dict[tuple[str, int], int]) -> None:
        self._assigned_at = time.monotonic()
        self._consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in offsets.items()])
