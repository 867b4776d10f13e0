"""Questions to the brokers: partitions, where their logs begin and end, what a group has committed, settings.

Topics are looked up in the list of all topics, because asking for one by name can create it.
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
    TopicPartition,
)
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
)

from kafka_topic.connection import open_admin, open_consumer
from kafka_topic.errors import BrokerUnreachableError, KafkaTopicError, RecordTimeoutError

Offsets = dict[tuple[str, int], int]
"""Offsets by topic and partition."""


class Commit(NamedTuple):
    """What a group has committed for a partition: the next offset that it reads, and a text of its own."""

    offset: int
    metadata: str


class Span(NamedTuple):
    """Where the log of a partition begins and ends."""

    begin: int
    end: int


# A topic that is deleted meanwhile has nothing more to read.
_ENDS = {KafkaError._PARTITION_EOF, KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}
# A topic that was just created, or whose leader has gone, has a leader in a moment.
_ELECTING = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}
_RETRY_SECONDS = 0.1
_NO_ANSWER = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE}


def read_between(consumer: Consumer, start: Offsets, stop: Offsets, *, deadline: float) -> Iterator[Message]:
    """The records of each partition from its start up to its stop, or to the last one committed.

    consumer: of `open_consumer`, with `enable_partition_eof`. deadline: on the monotonic clock; raises
    RecordTimeoutError when it passes before the end.
    """
    consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in start.items()])
    unread = {place for place in start if start[place] < stop[place]}
    while unread:
        if time.monotonic() >= deadline:
            topics = ", ".join(sorted({topic for topic, _ in unread}))
            raise RecordTimeoutError(f"reading {topics} up to its end took too long; try again")
        for message in consumer.consume(10_000, timeout=0.02):
            place = (message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is not None and error.code() not in _ENDS:
                raise KafkaTopicError(f"reading {place[0]} failed: {error.str()}")
            # The end of a log shows as an event, also where transaction markers fill its last offsets.
            if error is not None or (message.offset() or 0) >= stop[place]:
                unread.discard(place)
            elif place in unread:
                yield message


def _metadata(committed: TopicPartition) -> str:
    """The metadata beside a committed offset, "" where it is no text: librdkafka takes what no NUL ends with
    whatever comes behind it.
    """
    try:
        return committed.metadata or ""
    except UnicodeDecodeError:
        return ""


def _passing(error: BaseException | None) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in _ELECTING


class Brokers:
    """Metadata and offsets of one Kafka cluster; each call takes at most `timeout` seconds.

    Raises BrokerUnreachableError when no broker answers in time, KafkaTopicError for whatever else Kafka
    refuses.
    """

    def __init__(self, bootstrap_servers: str, *, timeout: float) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._timeout = timeout
        self._admin = open_admin(bootstrap_servers)

    def partitions(self, topics: Iterable[str]) -> dict[str, list[TopicPartition]]:
        """The partitions of each topic that exists; the others are left out."""
        return {
            topic: [TopicPartition(topic, number) for number in numbers]
            for topic, numbers in self.leaders(topics).items()
        }

    def leaders(self, topics: Iterable[str]) -> dict[str, dict[int, int | None]]:
        """The broker that leads each partition, None where none does, of each topic that exists."""
        try:
            known = self._admin.list_topics(timeout=self._timeout).topics
        except KafkaException as error:
            raise self._explained(error) from error
        return {
            topic: {
                number: one.leader if one.leader >= 0 else None
                for number, one in sorted(known[topic].partitions.items())
            }
            for topic in topics
            if topic in known
        }

    def names(self) -> list[str]:
        """The topics that exist."""
        try:
            return sorted(self._admin.list_topics(timeout=self._timeout).topics)
        except KafkaException as error:
            raise self._explained(error) from error

    def configs(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        """The settings of topics that exist, by Kafka's names, as in force, the brokers' included."""
        asked = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics]
        if not asked:
            return {}
        futures = self._admin.describe_configs(asked, request_timeout=self._timeout)
        return {
            resource.name: {name: entry.value for name, entry in self._result(future).items()}
            for resource, future in futures.items()
        }

    def set_configs(self, configs: Mapping[str, Mapping[str, str]]) -> None:
        """Give topics settings; those not named stay as they are."""
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
        """The offset at which each log begins."""
        return self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def latest(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The offset that the next record written to each log gets; open transactions lie before it."""
        return self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def committed_ends(self, partitions: Iterable[TopicPartition]) -> Offsets:
        """The offset at which each log's first open transaction begins; without one, its end."""
        spec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        return self._offsets(partitions, spec, IsolationLevel.READ_COMMITTED)

    def since(self, partitions: Iterable[TopicPartition], epoch_ms: int) -> Offsets:
        """The offset of the first record with that record timestamp or a later one, or the end of the log."""
        partitions = list(partitions)
        end = self.latest(partitions)
        found = self._offsets(partitions, OffsetSpec.for_timestamp(epoch_ms))
        return {place: offset if offset >= 0 else end[place] for place, offset in found.items()}

    def spans(
        self, partitions: Iterable[TopicPartition]
    ) -> tuple[dict[tuple[str, int], Span], dict[tuple[str, int], KafkaTopicError]]:
        """Where each log begins and ends, and why not for those of which the leader doesn't say."""
        spans, errors = {}, {}
        begins, ends = self._asked(partitions, OffsetSpec.earliest(), OffsetSpec.latest())  # type: ignore[no-untyped-call]
        for each, begin in begins.items():
            place = each.topic, each.partition
            try:
                spans[place] = Span(self._offset(each, begin), self._offset(each, ends[each]))
            except KafkaTopicError as error:
                errors[place] = error
        return spans, errors

    def committed(self, group: str, partitions: Iterable[TopicPartition]) -> dict[tuple[str, int], Commit]:
        """What a consumer group, which is not joined, has committed; partitions without it are left out."""
        # Not by the admin client: it aborts the process when the coordinator goes away while it is asked
        # (librdkafka 2.16, rd_kafka_admin_coord_request).
        consumer = open_consumer(self.bootstrap_servers, group_id=group)
        try:
            answer = consumer.committed(list(partitions), timeout=self._timeout)
        except KafkaException as error:
            raise self._explained(error) from error
        finally:
            consumer.close()
        return {
            (each.topic, each.partition): Commit(each.offset, _metadata(each))
            for each in answer
            if each.error is None and each.offset >= 0
        }

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
        """The answers on each of the specs, by partition."""
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
            if not any(map(_passing, errors)) or time.monotonic() >= deadline:
                return answers
            time.sleep(_RETRY_SECONDS)

    def _offset(self, partition: TopicPartition, future: Future[Any]) -> int:
        offset: int = self._result(future).offset
        # What the client answers, without an error, for a leader that did not.
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
            raise self._explained(error) from error

    def _explained(self, exception: KafkaException) -> KafkaTopicError:
        error = exception.args[0]
        if error.code() in _NO_ANSWER:
            return BrokerUnreachableError(
                f"no Kafka broker answered at {self.bootstrap_servers} within {self._timeout:g} s; check the "
                "address and that Kafka runs there"
            )
        return KafkaTopicError(f"Kafka at {self.bootstrap_servers} refused: {error.str()}")
