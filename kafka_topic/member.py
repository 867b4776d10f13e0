"""A member of a consumer group, of which one member at a time has a partition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, KafkaError, TopicPartition

from kafka_topic.connection import open_consumer


class Member(ABC):
    """A member from `with` on. Use it from one thread.

    Further settings are librdkafka's, as for `open_consumer`.
    """

    def __init__(self, bootstrap_servers: str, name: str, topics: Iterable[str], **settings: Any) -> None:
        """name: that of the group."""
        self._subscribed = list(topics)
        self._closing = False
        self._consumer = open_consumer(
            bootstrap_servers,
            on_error=self._note_error,
            group_id=name,
            # The least that brokers allow by default. A killed member's partitions wait for so long.
            session_timeout_ms=6000,
            heartbeat_interval_ms=500,
            **settings,
        )

    def __enter__(self) -> Self:
        self._consumer.subscribe(
            self._subscribed,
            on_assign=self._assigned,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._consumer.close()

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Closing reports what the member was assigned since its last read. No broker can be asked any more.
        if not self._closing:
            self._on_assign(consumer, partitions)

    @abstractmethod
    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Take over partitions."""

    @abstractmethod
    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Give partitions up."""

    @abstractmethod
    def _note_error(self, error: KafkaError) -> None:
        """Keep an error of the connection."""
