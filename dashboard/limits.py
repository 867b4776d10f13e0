"""Follows the topic `limits`: the newest record of each symbol applies."""

from __future__ import annotations

import logging

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from dashboard.history import History
from dashboard.settings import Settings
from kafka_topic.brokers import Brokers
from kafka_topic.connection import open_consumer
from kafka_topic.contracts import Limits
from kafka_topic.errors import ContractError, TopicMissingError
from kafka_topic.names import Topics

POLL_SECONDS = 0.2
CONNECT_SECONDS = 5.0
BATCH = 1000
_LOG = logging.getLogger("dashboard")


class LimitsFollower:
    """Reads the topic from its beginning, then new records as they come."""

    def __init__(self, settings: Settings, history: History) -> None:
        self._history = history
        topic = Topics(settings.prefix).limits
        brokers = Brokers(settings.bootstrap_servers, timeout=CONNECT_SECONDS)
        partitions = brokers.partitions([topic]).get(topic)
        if not partitions:
            raise TopicMissingError(f"topic {topic!r} does not exist; `pipectl deploy` creates it")
        start = brokers.earliest(partitions)
        self._consumer: Consumer = open_consumer(settings.bootstrap_servers)
        self._consumer.assign([TopicPartition(name, number, at) for (name, number), at in start.items()])

    def close(self) -> None:
        """Disconnect from the brokers."""
        self._consumer.close()

    def read(self) -> int:
        """Take the records that have come; returns how many broke their contract."""
        broken = 0
        for message in self._consumer.consume(BATCH, POLL_SECONDS):
            if message.error() is not None:
                raise KafkaException(message.error())
            broken += not self._take(message)
        return broken

    def _take(self, message: Message) -> bool:
        key, value = message.key(), message.value()
        symbol = key.decode(errors="replace") if isinstance(key, bytes) else ""
        limits = None
        try:
            if isinstance(value, bytes):
                limits = Limits.from_json(value)
        except ContractError as error:
            _LOG.warning("limits of %s: %s", symbol, error)
            return False
        self._history.set_limits(symbol, limits)
        return True
