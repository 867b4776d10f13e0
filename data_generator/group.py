"""Which positions are this generator's: membership in a Kafka consumer group over the position topics.

The group gives partition 0 of each topic to one member, and with it the position. Nothing is read from the
topics; what the group keeps as a partition's offset carries the position's progress.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from data_generator.progress import Progress
from kafka_topic.connection import open_consumer

_LOG = logging.getLogger(__name__)
_ASK_SECONDS = 0.5
"""How long the positions that are ours already may be held up."""


class Group:
    """A member of the group; `positions` are the symbols it has been given. Use it from one thread."""

    def __init__(self, bootstrap_servers: str, name: str, topics: Mapping[str, str]) -> None:
        self.positions: set[str] = set()
        self.joined = False
        self.last_error = ""
        self._topics = topics
        self._symbols = {topic: symbol for symbol, topic in topics.items()}
        # It reads committed offsets, too: none while a transaction that sets one is open.
        self._consumer = open_consumer(
            bootstrap_servers,
            on_error=self._note_error,
            group_id=name,
            # Only what moves is interrupted when a member comes or goes.
            partition_assignment_strategy="cooperative-sticky",
            # The least that brokers allow by default: how long a killed member's positions are silent.
            session_timeout_ms=6000,
            heartbeat_interval_ms=500,
            max_poll_interval_ms=60_000,
            topic_metadata_refresh_interval_ms=2000,
        )

    def __enter__(self) -> Self:
        self._consumer.subscribe(
            list(self._symbols), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def poll(self) -> object:
        """Take note of what was given and taken away; returns the proof of membership for transactions.

        The proof is from before the notes: a member that was expelled and has joined again unawares would
        otherwise hold a new proof and old positions.
        """
        membership = self._consumer.consumer_group_metadata()
        while (message := self._consumer.poll(0)) is not None:
            if (error := message.error()) is not None:
                self._note_error(error)
        return membership

    def progress(self, symbols: Iterable[str]) -> dict[str, Progress | None]:
        """How far positions have come that were given to us; those of which it isn't known yet are left out.

        It isn't until no transaction of the generator before is open any more.
        """
        asked = [TopicPartition(self._topics[symbol], 0) for symbol in symbols]
        try:
            answers = self._consumer.committed(asked, timeout=_ASK_SECONDS)
        except KafkaException as error:
            self._note_error(error.args[0])
            return {}
        for answer in answers:
            if answer.error is not None:
                self._note_error(answer.error)
        return {
            self._symbols[answer.topic]: Progress.from_json(answer.metadata)
            for answer in answers
            if answer.error is None
        }

    def note(self, symbol: str, progress: Progress) -> TopicPartition:
        """The progress of a position as an offset to commit."""
        return TopicPartition(self._topics[symbol], 0, progress.last_ms, progress.to_json())

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.joined = True
        for partition in partitions:
            partition.offset = OFFSET_END
        consumer.incremental_assign(partitions)
        if partitions:
            consumer.pause(partitions)
        self.positions |= self._of(partitions)
        self._say()

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
        self.positions -= self._of(partitions)
        self._say()

    def _of(self, partitions: list[TopicPartition]) -> set[str]:
        return {self._symbols[each.topic] for each in partitions if each.partition == 0}

    def _say(self) -> None:
        _LOG.info("positions of this generator: %s", ", ".join(sorted(self.positions)) or "none")

    def _note_error(self, error: KafkaError) -> None:
        self.last_error = error.str()
