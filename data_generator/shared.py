"""One of several generators that share the positions, so that no price is produced twice.

Ticks are written in transactions, which also commit the progress of their positions to the group. Kafka
refuses the transaction of a generator that is no longer a member: one that was cut off or frozen, and whose
positions have another owner. The new owner learns the progress of a position only when no transaction of the
old one is open.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaException, Producer, TopicPartition

from data_generator.counters import Counters
from data_generator.group import Group
from data_generator.progress import PricePath
from data_generator.service import MAX_LATE_SECONDS
from data_generator.settings import Settings
from data_generator.ticks import MAX_BLOCK
from data_generator.topics import TopicWatch
from kafka_topic.connection import open_producer
from kafka_topic.names import Topics

_LOG = logging.getLogger(__name__)

SLICE_SECONDS = 0.1
"""The time between two transactions. None is open in between, so a kill rarely interrupts one."""

_CALL_SECONDS = 5.0
_TRANSACTION_SECONDS = 10


class SharedService:
    """One run, from `run` to its return. `counters` and `unhealthy` may be read from other threads."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        topics = Topics(settings.prefix)
        self._topics = {symbol: topics.position(symbol) for symbol in settings.positions}
        self.counters = Counters(settings.positions)
        self.counters.owned = []
        self._watch = TopicWatch(settings.bootstrap_servers, self._topics.values())
        name = f"{settings.prefix}data-generator"
        self._group = Group(settings.bootstrap_servers, name, self._topics)
        self._transactional_id = f"{name}.{uuid.uuid4()}"
        self._producer: Producer | None = None
        self._paths: dict[str, PricePath] = {}
        self._progress_at = time.monotonic()
        self._last_error = ""

    def run(self) -> None:
        """Work until `stop` is set; then release the positions to the other generators."""
        try:
            with self._watch, self._group:
                while not self._stop.is_set():
                    began = time.monotonic()
                    self._advance()
                    self._stop.wait(max(0.0, SLICE_SECONDS - (time.monotonic() - began)))
        finally:
            _LOG.info("%s", self.counters)

    def unhealthy(self, after_seconds: float) -> str | None:
        """Why nothing was delivered for `after_seconds`; None while it delivers, or stands by."""
        allowed = max(after_seconds, 3 / self._settings.rate)
        silent = time.monotonic() - self._progress_at
        return f"nothing delivered for {silent:.0f} s: {self._reason()}" if silent > allowed else None

    def _reason(self) -> str:
        if self._watch.trouble:
            return self._watch.trouble
        if self._watch.missing:
            return f"topics are missing: {', '.join(self._watch.missing)}"
        servers = self._settings.bootstrap_servers
        error = self._last_error or self._group.last_error or "nothing"
        return f"the client of Kafka at {servers} last said: {error}"

    def _advance(self) -> None:
        membership = self._group.poll()
        owned = self._group.positions
        self.counters.owned = sorted(owned)
        self._paths = {symbol: path for symbol, path in self._paths.items() if symbol in owned}
        if self._producer is None and not self._start_producer():
            return
        if new := owned - self._paths.keys():
            for symbol, progress in self._group.progress(new).items():
                self._paths[symbol] = PricePath(self._settings, symbol, progress)
        blocks = {symbol: records for symbol, path in self._paths.items() if (records := self._due(path))}
        if blocks:
            self._commit(blocks, membership)
        elif self._group.joined and not owned:
            self._progress_at = time.monotonic()  # standing by

    def _due(self, path: PricePath) -> list[bytes]:
        """The ticks of a position that are due."""
        source, now_ms = path.source, time.time() * 1000
        source.follow(now_ms)
        if late := source.due(now_ms - MAX_LATE_SECONDS * 1000):
            source.skip(late)
            self.counters.positions[source.symbol].skipped += late
        count = min(source.due(now_ms), MAX_BLOCK)
        return source.take(count) if count and self._topics[source.symbol] in self._watch.present else []

    def _commit(self, blocks: Mapping[str, list[bytes]], membership: object) -> None:
        """Write the ticks and the progress after them, atomically."""
        producer = self._producer
        assert producer is not None  # noqa: S101  started before anything is due
        try:
            producer.begin_transaction()
            for symbol, records in blocks.items():
                messages: list[dict[str, Any]] = [{"value": record, "key": symbol} for record in records]
                taken = producer.produce_batch(self._topics[symbol], messages)
                if taken < len(records):
                    raise KafkaException(next(each["_error"] for each in messages if "_error" in each))
            producer.send_offsets_to_transaction(self._notes(blocks), membership, _CALL_SECONDS)
            producer.commit_transaction(_CALL_SECONDS)
        except KafkaException as exception:
            self._roll_back(exception)
            return
        for symbol, records in blocks.items():
            count = self.counters.positions[symbol]
            count.produced += len(records)
            count.delivered += len(records)
        self._progress_at = time.monotonic()
        self._last_error = ""

    def _notes(self, blocks: Mapping[str, list[bytes]]) -> list[TopicPartition]:
        return [self._group.note(symbol, self._paths[symbol].progress()) for symbol in blocks]

    def _roll_back(self, exception: KafkaException) -> None:
        """Abort the transaction, and continue from Kafka's progress: with the same prices, at later times."""
        error = exception.args[0]
        self._last_error = error.str()
        _LOG.info("a transaction failed (%s): its ticks are made again", error.str())
        self._paths.clear()
        if error.txn_requires_abort() and self._producer is not None:
            try:
                self._producer.abort_transaction(_CALL_SECONDS)
                return
            except KafkaException as second:
                self._last_error = second.args[0].str()
        # The next producer, with the same id, ends the transaction.
        self._producer = None

    def _start_producer(self) -> bool:
        producer = open_producer(
            self._settings.bootstrap_servers,
            transactional_id=self._transactional_id,
            transaction_timeout_ms=_TRANSACTION_SECONDS * 1000,
            compression_type="lz4",
            linger_ms=0,
        )
        try:
            producer.init_transactions(_CALL_SECONDS)
        except KafkaException as error:
            self._last_error = error.args[0].str()
            return False
        self._producer = producer
        return True
