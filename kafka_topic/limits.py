"""Reads and writes the limits of positions, which stand on the compacted topic `limits`."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaError, Message, TopicPartition

from kafka_topic.brokers import Brokers, read_between
from kafka_topic.connection import open_consumer, open_producer
from kafka_topic.contracts import Limits
from kafka_topic.errors import (
    BrokerUnreachableError,
    ContractError,
    KafkaTopicError,
    LimitsError,
    TopicMissingError,
)
from kafka_topic.names import Topics, check_symbols


class LimitsStore:
    """The limits of one bundle's positions.

    timeout: seconds that each call may take. Calls raise BrokerUnreachableError, TopicMissingError,
    RecordTimeoutError, LimitsError when limits that are set can't be read, and KafkaTopicError when Kafka
    refuses.
    """

    def __init__(self, bootstrap_servers: str, *, prefix: str = "", timeout: float = 10.0) -> None:
        self._servers = bootstrap_servers
        self._topic = Topics(prefix).limits
        self._timeout = timeout

    def read(self) -> dict[str, Limits]:
        """The limits that are set, by symbol, sorted."""
        newest = self._newest()
        return {symbol: self._limits(symbol, newest[symbol]) for symbol in sorted(newest)}

    def symbols(self) -> list[str]:
        """The symbols with limits, sorted, even if their limits can't be read."""
        return sorted(self._newest())

    def ever_set(self) -> bool:
        """Whether limits were ever set, even if they have been cleared since."""
        brokers = Brokers(self._servers, timeout=self._timeout)
        return any(brokers.latest(self._partitions(brokers)).values())

    def set(
        self,
        symbols: Iterable[str],
        changes: Mapping[str, Any],
        *,
        check: Callable[[Limits], None] = lambda limits: None,
    ) -> list[Limits]:
        """Change the named fields of some positions' limits and keep the others; returns the new limits.

        None clears a limit, and returns another field to the bundle's setting. Nothing is written unless all
        new limits are valid: raises ContractError, or what `check` raises of one of them.
        """
        newest, now = self._newest(), datetime.now(UTC)
        wanted = []
        for symbol in check_symbols(symbols):
            before = self._limits(symbol, newest[symbol]) if symbol in newest else Limits(symbol, now)
            try:
                changed = dataclasses.replace(before, set_at=now, **changes)
            except ContractError as error:
                raise ContractError(f"limits of {symbol}: {error}", field=error.field) from None
            check(changed)
            wanted.append(changed)
        self._write({limits.symbol: limits.to_json() for limits in wanted})
        return wanted

    def clear(self, symbols: Iterable[str] | None = None) -> list[str]:
        """Clear the limits of some positions, of all when None; returns the positions that had limits."""
        newest = self._newest()
        chosen = sorted(newest) if symbols is None else check_symbols(symbols)
        cleared = [symbol for symbol in chosen if symbol in newest]
        self._write(dict.fromkeys(cleared))
        return cleared

    def _newest(self) -> dict[str, bytes]:
        """The newest record of each symbol whose limits are not cleared."""
        deadline = time.monotonic() + self._timeout
        brokers = Brokers(self._servers, timeout=self._timeout)
        partitions = self._partitions(brokers)
        start, stop = brokers.earliest(partitions), brokers.latest(partitions)
        newest: dict[str, bytes] = {}
        consumer = open_consumer(self._servers, enable_partition_eof=True, fetch_wait_max_ms=10)
        try:
            for message in read_between(consumer, start, stop, deadline=deadline):
                key, value = message.key(), message.value()
                symbol = key.decode(errors="replace") if isinstance(key, bytes) else ""
                if isinstance(value, bytes):
                    newest[symbol] = value
                else:
                    newest.pop(symbol, None)
        finally:
            consumer.close()
        return newest

    def _partitions(self, brokers: Brokers) -> list[TopicPartition]:
        partitions = brokers.partitions([self._topic]).get(self._topic)
        if not partitions:
            raise TopicMissingError(
                f"topic {self._topic!r} does not exist on {self._servers}; deploy the pipeline first, or "
                "check the topic prefix"
            )
        return partitions

    def _limits(self, symbol: str, value: bytes) -> Limits:
        try:
            limits = Limits.from_json(value)
            if limits.symbol != symbol:
                raise ContractError(f"it holds the limits of {limits.symbol!r}", field="symbol")
        except ContractError as broken:
            raise LimitsError(
                f"topic {self._topic!r}, key {symbol!r}: {broken}; clear the limits of {symbol}"
            ) from None
        return limits

    def _write(self, records: Mapping[str, bytes | None]) -> None:
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failures.append(error)

        producer = open_producer(
            self._servers, enable_idempotence=True, message_timeout_ms=int(self._timeout * 1000)
        )
        for symbol, value in records.items():
            producer.produce(self._topic, value, symbol, on_delivery=delivered)
        left = producer.flush(self._timeout + 1)
        if left:
            raise BrokerUnreachableError(
                f"Kafka at {self._servers} did not confirm the limits within {self._timeout:g} s; read them "
                "to see whether they are set"
            )
        if failures:
            raise KafkaTopicError(
                f"Kafka at {self._servers} did not take the limits: {failures[0].str()}; read them to see "
                "what is set"
            )
