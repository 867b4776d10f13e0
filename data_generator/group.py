"""Assigns positions to generators by a Kafka consumer group over the position topics.

The member that gets partition 0 of a topic owns the position. Nothing is read from the topics; the metadata
of the group's committed offset holds the position's progress.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from data_generator.progress import Progress
from kafka_topic.commit_metadata import metadata_of
from kafka_topic.member import Member

_LOG = logging.getLogger(__name__)
_ASK_SECONDS = 0.5
"""How long a request may delay the positions that are ours already."""


class Group(Member):
    """A member of the group; `positions` are the symbols that it owns."""

    def __init__(self, bootstrap_servers: str, name: str, topics: Mapping[str, str]) -> None:
        self.positions: set[str] = set()
        self.joined = False
        self.last_error = ""
        self._topics = topics
        self._symbols = {topic: symbol for symbol, topic in topics.items()}
        # Members read committed offsets: the brokers return none while a transaction that sets one is open.
        super().__init__(
            bootstrap_servers,
            name,
            self._symbols,
            # Only positions that move are interrupted when a member comes or goes.
            partition_assignment_strategy="cooperative-sticky",
            max_poll_interval_ms=60_000,
            topic_metadata_refresh_interval_ms=2000,
        )

    def poll(self) -> object:
        """Handle assignments and revocations; returns the membership for transactions.

        The membership is taken first. Otherwise a member that was expelled and has rejoined could have a new
        membership and old positions.
        """
        membership = self._consumer.consumer_group_metadata()
        while (message := self._consumer.poll(0)) is not None:
            if (error := message.error()) is not None:
                self._note_error(error)
        return membership

    def progress(self, symbols: Iterable[str]) -> dict[str, Progress | None]:
        """The progress of positions that we own. A position is left out until its progress is known.

        It is unknown while a transaction of the last owner is open, and if an answer cannot be read.
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
            self._symbols[answer.topic]: Progress.from_json(metadata)
            for answer in answers
            if answer.error is None and (metadata := metadata_of(answer)) is not None
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
        self._log()

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
        self.positions -= self._of(partitions)
        self._log()

    def _of(self, partitions: list[TopicPartition]) -> set[str]:
        return {self._symbols[each.topic] for each in partitions if each.partition == 0}

    def _log(self) -> None:
        _LOG.info("positions of this generator: %s", ", ".join(sorted(self.positions)) or "none")

    def _note_error(self, error: KafkaError) -> None:
        self.last_error = error.str()
