"""The generator alone: makes ticks when they are due, hands them to Kafka, and stops in good order."""

from __future__ import annotations

import logging
import math
import threading
import time

from data_generator.counters import Counters
from data_generator.delivery import Delivery
from data_generator.errors import DeliveryError
from data_generator.models import MODELS, position_random
from data_generator.settings import Settings
from data_generator.ticks import MAX_BLOCK, TickSource
from data_generator.topics import TopicWatch
from kafka_topic.names import Topics

_LOG = logging.getLogger(__name__)

SLICE_SECONDS = 0.05
"""How often due ticks are made. A tick is at most this late while Kafka accepts ticks."""

MAX_LATE_SECONDS = 1.0
"""A tick that can't be made within this time is skipped and counted."""


class Position:
    """One position of the run: its source, how many ticks are left to make, and ticks that wait for the
    topic.
    """

    def __init__(self, source: TickSource, topic: str, left: float) -> None:
        self.source = source
        self.topic = topic
        self.left = left
        self.pending: list[bytes] = []


class Service:
    """One run, from `run` to its return. `counters` and `unhealthy` may be read from other threads."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._topics = Topics(settings.prefix)
        self.counters = Counters(settings.positions)
        self._delivery = Delivery(
            settings.bootstrap_servers, self._topics, self.counters, max_queued=settings.max_queued
        )
        self._positions = [self._position(symbol) for symbol in settings.positions]
        self._watch = TopicWatch(settings.bootstrap_servers, [position.topic for position in self._positions])
        self._full = False

    def run(self) -> None:
        """Work until the count is reached or `stop` is set; then flush.

        Raises DeliveryError when not all ticks of a count are in Kafka.
        """
        try:
            with self._watch:
                while not self._stop.is_set() and any(each.left or each.pending for each in self._positions):
                    self._advance()
                    self._check_patience()
            self._flush()
        finally:
            _LOG.info("%s", self.counters)
        if missing := self._missing():
            raise DeliveryError(
                f"{missing} of {self._settings.count} ticks are not in Kafka; {self._reason()}"
            )

    def unhealthy(self, after_seconds: float) -> str | None:
        """Why nothing was delivered for `after_seconds`; None while it delivers."""
        # A slow schedule is not a failure: allow the time of a few ticks.
        allowed = max(after_seconds, 3 / (self._settings.rate * len(self._positions)))
        silent = time.monotonic() - self._delivery.progress_at
        return f"nothing delivered for {silent:.0f} s: {self._reason()}" if silent > allowed else None

    def _advance(self) -> None:
        more = False
        for position in self._positions:
            now_ms = time.time() * 1000
            if self._settings.paced:
                position.source.follow(now_ms)
            if position.topic in self._watch.present and self._retry(position):
                more |= self._make(position, now_ms)
            if self._settings.paced:
                self._skip_late(position, now_ms)
        self._note_full()
        self._delivery.poll(0 if more else SLICE_SECONDS / 2)
        if not more:
            self._stop.wait(SLICE_SECONDS / 2)

    def _make(self, position: Position, now_ms: float) -> bool:
        """Make and send the due ticks of a position; returns whether more may be due at once."""
        capacity = min(self._delivery.capacity(), MAX_BLOCK, position.left)
        count = int(min(position.source.due(now_ms), capacity) if self._settings.paced else capacity)
        if count:
            position.left -= count
            position.pending = self._delivery.send(position.source.symbol, position.source.take(count))
        return count == MAX_BLOCK and not position.pending

    def _retry(self, position: Position) -> bool:
        """Send waiting ticks; returns whether new ticks may follow."""
        if position.pending and self._delivery.capacity() >= len(position.pending):
            position.pending = self._delivery.send(position.source.symbol, position.pending)
        return not position.pending

    def _skip_late(self, position: Position, now_ms: float) -> None:
        late = position.source.due(now_ms - MAX_LATE_SECONDS * 1000)
        if late and position.left:
            position.source.skip(late)
            self.counters.positions[position.source.symbol].skipped += late

    def _note_full(self) -> None:
        full = self._delivery.capacity() == 0
        # Half empty again, so that the edge of the queue isn't reported over and over.
        if full and not self._full and self._settings.paced:
            self._full = True
            _LOG.warning(
                "Kafka takes no ticks and the queue of %d is full: no more are made until it does (%s)",
                self._settings.max_queued,
                self._delivery.last_error or "slow broker",
            )
        elif self._full and self._delivery.capacity() > self._settings.max_queued / 2:
            self._full = False
            _LOG.warning("Kafka takes ticks again; %d skipped so far", self.counters.total("skipped"))

    def _check_patience(self) -> None:
        if self._settings.count is not None and (reason := self.unhealthy(self._settings.patience)):
            raise DeliveryError(
                f"gave up: {self._missing()} of {self._settings.count} ticks are not in Kafka; {reason}"
            )

    def _flush(self) -> None:
        for position in self._positions:
            self.counters.positions[position.source.symbol].skipped += len(position.pending)
        deadline = math.inf
        while self.counters.total("queued"):
            if self._stop.is_set():
                deadline = min(deadline, time.monotonic() + self._settings.flush_timeout)
            if time.monotonic() > deadline:
                _LOG.warning(
                    "%d ticks that Kafka did not take in time are lost", self.counters.total("queued")
                )
                break
            self._delivery.poll(0.1)
            self._check_patience()

    def _missing(self) -> int:
        count = self._settings.count
        return 0 if count is None else count - self.counters.total("delivered")

    def _reason(self) -> str:
        if self._watch.trouble:
            return self._watch.trouble
        if self._watch.missing and self._watch.present:
            return f"topics are missing: {', '.join(self._watch.missing)}"
        if self._delivery.last_error:
            servers = self._settings.bootstrap_servers
            return f"the client of Kafka at {servers} last said: {self._delivery.last_error}"
        if self._watch.missing:
            return f"topics were not found: {', '.join(self._watch.missing)}"
        return "the run was interrupted" if self._stop.is_set() else "the Kafka client said nothing"

    def _position(self, symbol: str) -> Position:
        settings = self._settings
        random = position_random(settings.seed, symbol)
        model = MODELS[settings.model](
            random, settings.start_price_of(symbol), settings.volatility, 1 / settings.rate
        )
        left = math.inf if settings.count is None else settings.shares()[symbol]
        start_ms = time.time_ns() // 1_000_000
        if not settings.paced:
            # A fast run puts the schedule into the past: its last tick is now, so none is in the future.
            start_ms -= int((left - 1) * 1000 / settings.rate)
        source = TickSource(symbol, model, rate=settings.rate, start_ms=start_ms)
        return Position(source, self._topics.position(symbol), left)
