"""Samples the position topics: counts every tick, parses few."""

from __future__ import annotations

import time

from confluent_kafka import Message

from dashboard.following import Following
from dashboard.history import History
from dashboard.settings import Settings
from kafka_topic.contracts import Price
from kafka_topic.errors import ContractError
from kafka_topic.names import Topics

SAMPLE_MS = 100
"""The shortest time between two kept prices of a position; a screen shows no more."""
PAST_SECONDS = 60.0
"""How far back prices are read at the start."""


class PriceSampler:
    """Samples the position topics."""

    def __init__(self, settings: Settings, history: History) -> None:
        self._history = history
        topics = Topics(settings.prefix)
        self._symbols = {topics.position(symbol): symbol for symbol in settings.positions}
        self._sampled = dict.fromkeys(self._symbols, 0)
        self._held: dict[str, Message] = {}
        self._following = Following(settings.bootstrap_servers, self._symbols, PAST_SECONDS)

    def close(self) -> None:
        """Disconnect from the brokers."""
        self._following.close()

    def read(self) -> int:
        """Take the records that have come; returns how many broke their contract."""
        broken, counts = 0, dict.fromkeys(self._symbols, 0)
        for message in self._following.batch():
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
        return broken

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
