"""A member of a consumer group: it reads portions of topics, and commits what is written."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from kafka_topic.brokers import LEADER_SECONDS, Brokers
from kafka_topic.commit_metadata import metadata_of
from kafka_topic.diagnosis import refused
from kafka_topic.errors import BrokerUnreachableError
from kafka_topic.member import Member
from stores.sinks.errors import SourceError
from stores.sinks.portions import Partition, Portion, Reading, is_about, made_again

_LOG = logging.getLogger(__name__)
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.2
_LEAST_SECONDS = 1.0
_LONGEST_WRITE_MS = 900_000
_LOST = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError._ASSIGNMENT_LOST,
}
"""The group has given a partition to another member, or is about to."""
_PASSING = {
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._WAIT_COORD,
    KafkaError.REQUEST_TIMED_OUT,
}
T = TypeVar("T")


class Group(Member):
    """A member that knows what is written of its partitions."""

    def __init__(self, bootstrap_servers: str, name: str, topics: Iterable[str]) -> None:
        self.name = name
        self.problem: str | None = None
        self._servers = bootstrap_servers
        self._topics = list(topics)
        self._brokers = Brokers(bootstrap_servers, timeout=LEADER_SECONDS)
        self._ids: dict[str, str] = {}
        self._readings: dict[Partition, Reading] = {}
        self._gave_up = False
        super().__init__(
            bootstrap_servers,
            name,
            self._topics,
            enable_partition_eof=True,
            max_poll_interval_ms=_LONGEST_WRITE_MS,
            topic_metadata_refresh_interval_ms=5000,
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A client without an answer would not close, either. The broker removes the member after its session.
        if not self._gave_up:
            super().__exit__(kind, error, trace)

    def read(self, most: int, seconds: float) -> list[Portion]:
        """The portions that have come after at most `seconds`, with at most so many records in all.

        A portion that is not committed is read again by the next member of the group. Raises SourceError.
        """
        try:
            messages = self._consumer.consume(most, timeout=seconds)
        except KafkaException as error:
            raise self._failure(f"joining the group {self.name}", error.args[0]) from error
        for message in messages:
            failed = message.error()
            if failed is not None and failed.code() != KafkaError._PARTITION_EOF:
                raise self._failure(f"reading {message.topic() or 'topics'}", failed)
            self.problem = None
            # Records of a partition that was taken away in the meantime are of no use.
            if reading := self._readings.get((message.topic() or "", message.partition() or 0)):
                reading.add(message)
        portions = [portion for each in self._readings.values() if (portion := each.portion()) is not None]
        self._check_ids({portion.partition[0] for portion in portions})
        return portions

    def plan(self, portion: Portion) -> bool:
        """Commit the end of a portion before it is written. Returns False as `commit` does."""
        return self._commit(portion, portion.position(portion.begin, portion.end))

    def commit(self, portion: Portion, seconds: float) -> bool:
        """Commit that a portion is written, and try that for so long.

        Returns False if the partition has another reader by now, which repeats the portion. Raises
        SourceError, after which the group is of no use.
        """
        return self._commit(portion, portion.position(portion.end), seconds)

    def ends(self) -> dict[Partition, int]:
        """The current end of each partition. Raises KafkaTopicError."""
        return self._brokers.committed_ends(self._partitions())

    def reached(self, ends: Mapping[Partition, int]) -> bool:
        """Whether all records before these ends are written, by this member or by others.

        Ask between two portions. Raises KafkaTopicError.
        """
        begins = {partition: reading.begin for partition, reading in self._readings.items()}
        behind = {partition: end for partition, end in ends.items() if begins.get(partition, -1) < end}
        if behind.keys() & begins.keys():
            return False
        partitions = [TopicPartition(*partition) for partition in behind]
        lowest, commits = self._brokers.earliest(partitions), self._brokers.committed(self.name, partitions)
        written = lowest | {
            partition: commit.offset
            for partition, commit in commits.items()
            if is_about(commit.metadata, self.ids()[partition[0]])
        }
        return all(written[partition] >= end for partition, end in behind.items())

    def ids(self) -> dict[str, str]:
        """The id of each topic when it was first asked for: one that is made again has another one."""
        if not self._ids:
            self._ids = self._brokers.ids(self._topics)
        return self._ids

    def _check_ids(self, topics: set[str]) -> None:
        """Asked after the records have come, so all of them are from the topics of the start."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while topics:
            try:
                found = self._brokers.ids(sorted(topics))
            except BrokerUnreachableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_SECONDS)
                continue
            if changed := sorted(topic for topic in topics if found[topic] != self.ids()[topic]):
                raise made_again(f"{changed[0]} has another id than at the start")
            return

    def _partitions(self) -> list[TopicPartition]:
        found = self._brokers.partitions(self._topics)
        if missing := sorted(set(self._topics) - found.keys()):
            raise SourceError(f"topic {missing[0]} does not exist; `pipectl deploy` creates it")
        return [each for several in found.values() for each in several]

    def _commit(
        self, portion: Portion, position: TopicPartition, patience: float = _PATIENCE_SECONDS
    ) -> bool:
        if portion.partition not in self._readings:
            return False
        deadline = time.monotonic() + patience
        try:
            self._patiently(lambda: self._commit_once(position, deadline), patience)
        except KafkaException as error:
            if error.args[0].code() not in _LOST:
                raise self._failure(f"committing to {self.name}", error.args[0]) from error
            del self._readings[portion.partition]
            return False
        return True

    def _commit_once(self, position: TopicPartition, deadline: float) -> None:
        """Commit, and wait for the answer.

        The client itself would wait without a limit, for example while the broker stands still.
        """
        answer = Future[None]()

        def commit() -> None:
            try:
                self._consumer.commit(offsets=[position], asynchronous=False)
            except BaseException as error:  # the one who waits raises it
                answer.set_exception(error)
            else:
                answer.set_result(None)

        threading.Thread(target=commit, daemon=True).start()
        try:
            answer.result(max(deadline - time.monotonic(), _LEAST_SECONDS))
        except TimeoutError:
            self._gave_up = True
            why = self.problem or "no answer from Kafka in time"
            raise SourceError(f"committing to {self.name} failed: {why}") from None

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._readings = {
            (each.topic, each.partition): self._reading(consumer, each)
            for each in self._committed(partitions)
        }
        positions = [(*partition, reading.begin) for partition, reading in self._readings.items()]
        consumer.assign([TopicPartition(*each) for each in positions])
        self.problem = None

    def _committed(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        return self._patiently(lambda: self._consumer.committed(partitions, timeout=LEADER_SECONDS))

    def _reading(self, consumer: Consumer, committed: TopicPartition) -> Reading:
        partition = committed.topic, committed.partition
        low, high = self._patiently(lambda: consumer.get_watermark_offsets(committed, timeout=LEADER_SECONDS))
        topic_id = self.ids()[committed.topic]
        note = self._note(committed) if committed.offset >= 0 else ""
        if not 0 <= committed.offset <= high or not is_about(note, topic_id):
            # Nothing is committed, or it is about a topic of the same name that was deleted.
            return Reading.at(partition, topic_id, low)
        if committed.offset < low:
            _LOG.warning(
                "%s, partition %d: retention removed the records %d to %d before they were read; "
                "raise topics.retention",
                *(*partition, committed.offset, low - 1),
            )
        # The first batch keeps its number, even if only a part of its records is left.
        return Reading.at(partition, topic_id, committed.offset, note)

    def _note(self, committed: TopicPartition) -> str:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (note := metadata_of(committed)) is None:
            if time.monotonic() > deadline:
                raise SourceError(f"the group's commit for {committed.topic} cannot be read")
            [committed] = self._committed([TopicPartition(committed.topic, committed.partition)])
        return note

    def _on_revoke(self, consumer: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self._readings.clear()

    def _patiently(self, ask: Callable[[], T], patience: float = _PATIENCE_SECONDS) -> T:
        deadline = time.monotonic() + patience
        while True:
            try:
                return ask()
            except KafkaException as error:
                if error.args[0].code() not in _PASSING or time.monotonic() > deadline:
                    raise
            time.sleep(_PAUSE_SECONDS)

    def _failure(self, what: str, error: KafkaError) -> SourceError:
        return SourceError(refused(error, self._servers) or f"{what} failed: {error.str()}")

    def _note_error(self, error: KafkaError) -> None:
        if said := refused(error, self._servers):
            self.problem = said
        elif error.code() == KafkaError._ALL_BROKERS_DOWN and self.problem is None:
            self.problem = f"no broker answers: {error.str()}"
