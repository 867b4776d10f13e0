"""Queries to the brokers: partitions, the bounds of their logs, committed offsets, settings of topics.

Topics are looked up in the list of all topics, because a request for a topic by name can create it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AlterConfigOpType,
    ClusterMetadata,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
)

from kafka_topic.commit_metadata import metadata_of
from kafka_topic.connection import open_admin, open_consumer
from kafka_topic.diagnosis import explained
from kafka_topic.errors import BrokerUnreachableError, KafkaTopicError, RecordTimeoutError

Offsets = dict[tuple[str, int], int]
"""Offsets by topic and partition."""


class Commit(NamedTuple):
    """What a group has committed for a partition: the next offset to read, and its metadata."""

    offset: int
    metadata: str


class Span(NamedTuple):
    """The bounds of a partition's log."""

    begin: int
    end: int


class Layout(NamedTuple):
    """What brokers tell their clients.

    brokers: `host:port` of each. topics: the number of partitions of each topic, and the highest number of
    in-sync replicas of one; both are 0 for a topic that is just being created.
    """

    brokers: set[str]
    topics: dict[str, tuple[int, int]]


# A topic that is deleted meanwhile has no more records.
_ENDS = {KafkaError._PARTITION_EOF, KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}
# A topic that was just created, or has lost its leader, gets a leader soon. Until then, the client and a
# broker may know different leaders. _NOENT: the client found the leader of no partition at all.
_ELECTING = {
    KafkaError._NOENT,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
}
# A broker that was just made the coordinator of a group still loads its commits.
_LOADING = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}
_RETRY_SECONDS = 0.1
LEADER_SECONDS = 30.0
"""On a busy machine, brokers that have just started take their time to answer, and to elect leaders."""


def read_between(consumer: Consumer, start: Offsets, stop: Offsets, *, deadline: float) -> Iterator[Message]:
    """The records of each partition from its start up to its stop, or to the last one committed.

    consumer: of `open_consumer`, with `enable_partition_eof`. deadline: on the monotonic clock; raises
    RecordTimeoutError when it passes before the end.
    """
    consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in start.items()])
    unread = {partition for partition in start if start[partition] < stop[partition]}
    while unread:
        if time.monotonic() >= deadline:
            topics = ", ".join(sorted({topic for topic, _ in unread}))
            raise RecordTimeoutError(f"reading {topics} up to its end took too long; try again")
        for message in consumer.consume(10_000, timeout=0.02):
            partition = (message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is not None and error.code() not in _ENDS:
                raise KafkaTopicError(f"reading {partition[0]} failed: {error.str()}")
            # The end of a log shows as an event, also where transaction markers fill its last offsets.
            offset = message.offset() or 0
            if error is None and partition in unread and offset < stop[partition]:
                yield message
            if error is not None or offset + 1 >= stop[partition]:
                unread.discard(partition)


def _is_transient(error: BaseException | None) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in _ELECTING | _LOADING


class Brokers:
    """Metadata and offsets of one Kafka cluster; each call takes at most `timeout` seconds.

    Raises BrokerUnreachableError when no broker answers in time, KafkaTopicError when Kafka refuses.
    """

    def __init__(self, bootstrap_servers: str, *, timeout: float) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._timeout = timeout
        self._admin = open_admin(bootstrap_servers)

    def partitions(self, topics: Iterable[str]) -> dict[str, list[TopicPartition]]:
        """The partitions of each existing topic."""
        return {
            topic: [TopicPartition(topic, number) for number in numbers]
            for topic, numbers in self.leaders(topics).items()
        }

    def leaders(self, topics: Iterable[str]) -> dict[str, dict[int, int | None]]:
        """The leader of each partition of each existing topic; None for a partition without one."""
        known = self._metadata().topics
        return {
            topic: {
                number: one.leader if one.leader >= 0 else None
                for number, one in sorted(known[topic].partitions.items())
            }
            for topic in topics
            if topic in known
        }

    def names(self) -> list[str]:
        """The existing topics."""
        return sorted(self._metadata().topics)

    def layout(self) -> Layout:
        """The brokers and the topics, of one answer."""
        known = self._metadata()
        return Layout(
            {f"{broker.host}:{broker.port}" for broker in known.brokers.values()},
            {
                name: (
                    len(topic.partitions),
                    max((len(one.isrs) for one in topic.partitions.values()), default=0),
                )
                for name, topic in known.topics.items()
            },
        )

    def ids(self, topics: Iterable[str]) -> dict[str, str]:
        """The id of each existing topic; that of a topic that was deleted and made again is another one."""
        asked = TopicCollection(list(topics))
        futures = self._admin.describe_topics(asked, request_timeout=self._timeout)
        return {topic: str(self._result(future).topic_id) for topic, future in futures.items()}

    def configs(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        """The effective settings of existing topics, by Kafka's names, including the brokers' defaults."""
        asked = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
        if not asked:
            return {}
        futures = self._admin.describe_configs(asked, request_timeout=self._timeout)
        return {
            resource.name: {name: entry.value for name, entry in self._result(future).items()}
            for resource, future in futures.items()
        }

    def set_configs(self, configs: Mapping[str, Mapping[str, str]]) -> None:
        """Change settings of topics. Settings that are not named stay as they are."""
        resources = [
            ConfigResource(
                ConfigResource.Type.TOPIC,
                topic,
                incremental_configs=[
                    ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                    for name, value in config.items()
                ],
            )
            for topic, config in configs.items()
        ]
        if resources:
            futures = self._admin.incremental_alter_configs(resources, request_timeout=self._timeout)
            for future in futures.values():
                self._result(future)

    def earliest(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The first offset of each log."""
        return self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def latest(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The offset of the next record that is written to each log. Open transactions lie before it."""
        return self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def committed_ends(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The offset at which each log's first open transaction begins; without one, its end."""
        spec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        return self._offsets(partitions, spec, IsolationLevel.READ_COMMITTED)

    def since(self, partitions: Iterable[TopicPartition], epoch_ms: int) -> Offsets:
        """The offset of the first record with this record timestamp or a later one, or the end of the log."""
        partitions = list(partitions)
        end = self.latest(partitions)
        found = self._offsets(partitions, OffsetSpec.for_timestamp(epoch_ms))
        return {partition: offset if offset >= 0 else end[partition] for partition, offset in found.items()}

    def spans(
        self, partitions: Iterable[TopicPartition]
    ) -> tuple[dict[tuple[str, int], Span], dict[tuple[str, int], KafkaTopicError]]:
        """The bounds of each log, and the errors of the partitions whose leader does not answer."""
        spans, errors = {}, {}
        begins, ends = self._asked(partitions, OffsetSpec.earliest(), OffsetSpec.latest())  # type: ignore[no-untyped-call]
        for each, begin in begins.items():
            partition = each.topic, each.partition
            try:
                spans[partition] = Span(self._offset(each, begin), self._offset(each, ends[each]))
            except KafkaTopicError as error:
                errors[partition] = error
        return spans, errors

    def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[tuple[str, int], Commit]:
        """The commits of a consumer group, without joining it. Partitions without a commit are left out."""
        # The admin client aborts the process when the coordinator goes away during the request (librdkafka
        # 2.16, rd_kafka_admin_coord_request), so a consumer asks.
        consumer = open_consumer(self.bootstrap_servers, group_id=group)
        try:
            answer = self._commits(consumer, list(partitions))
        except KafkaException as error:
            raise self._explained(error, first=False) from error
        finally:
            consumer.close()
        return {
            (each.topic, each.partition): Commit(each.offset, metadata_of(each) or "")
            for each in answer
            if each.error is None and each.offset >= 0
        }

    def _metadata(self) -> ClusterMetadata:
        try:
            return self._admin.list_topics(timeout=self._timeout)
        except KafkaException as error:
            raise self._explained(error) from error

    def _commits(self, consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                return consumer.committed(partitions, timeout=self._timeout)
            except KafkaException as error:
                if not _is_transient(error) or time.monotonic() >= deadline:
                    raise
            time.sleep(_RETRY_SECONDS)

    def _offsets(
        self,
        partitions: Iterable[TopicPartition],
        spec: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> Offsets:
        (futures,) = self._asked(partitions, spec, isolation=isolation)
        return {(each.topic, each.partition): self._offset(each, future) for each, future in futures.items()}

    def _asked(
        self,
        partitions: Iterable[TopicPartition],
        *specs: OffsetSpec,
        isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> list[dict[TopicPartition, Future[Any]]]:
        """The answers to each spec, by partition."""
        partitions = list(partitions)
        if not partitions:
            return [{} for _ in specs]
        deadline = time.monotonic() + self._timeout
        while True:
            answers = [
                self._admin.list_offsets(
                    dict.fromkeys(partitions, spec),
                    isolation_level=isolation,
                    request_timeout=self._timeout,
                )
                for spec in specs
            ]
            errors = [future.exception() for futures in answers for future in futures.values()]
            if not any(map(_is_transient, errors)) or time.monotonic() >= deadline:
                return answers
            time.sleep(_RETRY_SECONDS)

    def _offset(self, partition: TopicPartition, future: Future[Any]) -> int:
        offset: int = self._result(future).offset
        # The client's answer, without an error, for a leader that did not answer.
        if offset == OFFSET_INVALID:
            raise BrokerUnreachableError(
                f"the leader of partition {partition.partition} of {partition.topic} did not answer within "
                f"{self._timeout:g} s"
            )
        return offset

    def _result(self, future: Future[Any]) -> Any:
        try:
            return future.result()
        except KafkaException as error:
            raise self._explained(error, first=False) from error

    def _explained(self, exception: KafkaException, *, first: bool = True) -> KafkaTopicError:
        return explained(exception, self.bootstrap_servers, self._timeout, first=first)
