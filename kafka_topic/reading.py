"""The base of all consumers: an iterator of the typed records of one or several topics."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType
from typing import Generic, Literal, Self, TypeVar

from confluent_kafka import KafkaError, Message, TopicPartition

from kafka_topic.brokers import Brokers
from kafka_topic.connection import open_consumer
from kafka_topic.errors import ContractError, KafkaTopicError, RecordTimeoutError, TopicMissingError
from kafka_topic.names import Topics, check_symbols

# Python handles Ctrl-C only between two calls of the client, so no call may take long.
_POLL_SECONDS = 0.2
_TOPIC_GONE = {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC}

Start = Literal["latest", "beginning"] | datetime
OnBroken = Callable[[ContractError], None]
T = TypeVar("T")


class TopicConsumer(ABC, Generic[T]):
    """Iterates the records of a topic, without end, as they are committed.

    prefix: topic prefix of the bundle, with its dot. positions: the wanted symbols, all when None. start:
    "latest" (records written after this call), "beginning" (all that Kafka still has), or a datetime with a
    time zone (records with this Kafka record timestamp or a later one). timeout: seconds that `next` waits
    for a wanted record before it raises RecordTimeoutError, a TimeoutError; None waits forever. `next` may be
    called again after an error. connect_timeout: seconds in which a broker must answer the constructor.
    on_broken: called with the ContractError of each record that breaks the contract, which is then skipped;
    its message names the record's partition and offset.

    The constructor raises BrokerUnreachableError, TopicMissingError or SymbolError. Without on_broken,
    iteration raises the ContractError: that ends a `for` loop, and the next loop continues after the record.
    A consumer joins no group and commits nothing, so any number of them can read side by side.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        prefix: str = "",
        positions: Iterable[str] | None = None,
        start: Start = "latest",
        timeout: float | None = None,
        connect_timeout: float = 10.0,
        on_broken: OnBroken | None = None,
    ) -> None:
        _check_start(start)
        self._on_broken = on_broken
        self._names = Topics(prefix)
        self._servers = bootstrap_servers
        self._wanted = None if positions is None else frozenset(check_symbols(positions))
        self._since_ms = _epoch_ms(start) if isinstance(start, datetime) else None
        self._timeout = timeout
        self._last_error: KafkaError | None = None
        brokers = Brokers(bootstrap_servers, timeout=connect_timeout)
        found = brokers.partitions(topics := self._topics(brokers))
        if missing := sorted(set(topics) - found.keys()):
            raise TopicMissingError(
                f"topic {missing[0]!r} does not exist on {bootstrap_servers}; deploy the pipeline first, or "
                "check the topic prefix"
            )
        self._topic = topics[0] if len(topics) == 1 else f"{self._names.prefix}position.*"
        partitions = [partition for several in found.values() for partition in several]
        offsets = _start_offsets(brokers, partitions, start)
        self._consumer = open_consumer(bootstrap_servers, on_error=self._note_error)
        self._consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in offsets.items()])

    _silence = "check that the gatherer runs and prices flow"
    """What to check when no record comes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Disconnect from the brokers. A second call does nothing."""
        self._consumer.close()

    def __iter__(self) -> Self:
        return self

    @abstractmethod
    def _topics(self, brokers: Brokers) -> list[str]:
        """The topics to read, at least one."""

    @abstractmethod
    def _read(self, value: bytes, topic: str) -> T:
        """Read a record; raises ContractError."""

    @abstractmethod
    def _symbol(self, record: T) -> str | None:
        """The position of a record."""

    def _wants_key(self, key: bytes) -> bool:
        """Whether a record with this key may be wanted. Most unwanted records are skipped by their key,
        unread.
        """
        return self._wanted is None or key.decode(errors="replace") in self._wanted

    def _wants(self, record: T, key: bytes | None) -> bool:
        return self._wanted is None or self._symbol(record) in self._wanted

    def __next__(self) -> T:
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while True:
            message = self._consumer.poll(_POLL_SECONDS)
            if message is not None:
                record = self._record(message)
                if record is not None:
                    return record
            elif self._last_error is not None and self._last_error.code() in _TOPIC_GONE:
                raise self._explained(self._last_error)
            if deadline is not None and time.monotonic() >= deadline:
                raise RecordTimeoutError(self._waited_for())

    def _record(self, message: Message) -> T | None:
        if (failed := message.error()) is not None:
            raise self._explained(failed)
        # A transaction's commit marker has a timestamp too, so the search for a start time may find an offset
        # that is too early.
        if self._since_ms is not None and message.timestamp()[1] < self._since_ms:
            return None
        sent = message.key()
        key = sent if isinstance(sent, bytes) else None
        if key is not None and not self._wants_key(key):
            return None
        topic = message.topic() or ""
        try:
            record = self._read(_bytes(message.value()), topic)
        except ContractError as broken:
            where = f"topic {topic!r} partition {message.partition()} offset {message.offset()}"
            error = ContractError(f"{where}: {broken}", field=broken.field)
            if self._on_broken is None:
                raise error from None
            self._on_broken(error)
            return None
        return record if self._wants(record, key) else None

    def _note_error(self, error: KafkaError) -> None:
        self._last_error = error

    def _explained(self, error: KafkaError) -> KafkaTopicError:
        if error.code() in _TOPIC_GONE:
            return TopicMissingError(
                f"topic {self._topic!r} is gone from {self._servers}: it was deleted while being read; "
                "deploy the pipeline again"
            )
        return KafkaTopicError(f"reading topic {self._topic!r} from {self._servers} failed: {error.str()}")

    def _waited_for(self) -> str:
        of = "" if self._wanted is None else f" of {', '.join(sorted(self._wanted))}"
        hint = self._silence
        if self._last_error is not None:
            hint += f"; the Kafka client last said: {self._last_error.str()}"
        return (
            f"no record{of} came in topic {self._topic!r} on {self._servers} for {self._timeout:g} s; {hint}"
        )


def _check_start(start: object) -> None:
    if isinstance(start, datetime):
        if start.tzinfo is None:
            raise ValueError(f"start {start} has no time zone; write for example start.astimezone()")
    elif start not in ("latest", "beginning"):
        raise ValueError(f'start is {start!r}; it must be "latest", "beginning" or a datetime')


def _start_offsets(
    brokers: Brokers, partitions: list[TopicPartition], start: str | datetime
) -> dict[tuple[str, int], int]:
    if isinstance(start, datetime):
        return brokers.since(partitions, _epoch_ms(start))
    return brokers.latest(partitions) if start == "latest" else brokers.earliest(partitions)


def _epoch_ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
