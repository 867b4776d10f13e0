"""Reads Kafka: a thread for each kind of records, which starts over when Kafka was away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from confluent_kafka import KafkaException

from dashboard.history import History
from dashboard.limits import LimitsFollower
from dashboard.prices import PriceSampler
from dashboard.recent import Recent, RecentReader, live_topics
from dashboard.settings import Settings
from kafka_topic.consumer import DeadLetterConsumer, MovingAverageConsumer, SignalConsumer
from kafka_topic.errors import ContractError, KafkaTopicError, RecordTimeoutError
from kafka_topic.reading import TopicConsumer

RETRY_SECONDS = 2.0
POLL_SECONDS = 0.1
CONNECT_SECONDS = 5.0
PAST_SIGNALS_SECONDS = 3600.0
"""How far back signals are read at the start."""
_LOG = logging.getLogger("dashboard")
T = TypeVar("T")


class Reader(Protocol):
    """A reader of batches."""

    def read(self) -> int:
        """Take the records that have come; returns how many broke their contract."""

    def close(self) -> None:
        """Disconnect from the brokers."""


class Feed:
    """The readers. `problem` says why one of them does not read; None while all read."""

    def __init__(self, settings: Settings, history: History, recent: Recent) -> None:
        self._settings = settings
        self._history = history
        self._stop = threading.Event()
        self._problems: dict[str, str] = {}
        works: dict[str, Callable[[], None]] = {
            "windows": self._read_windows,
            "prices": lambda: self._read_batches("prices", PriceSampler(settings, history)),
            "signals": self._read_signals,
            "letters": self._read_letters,
            "limits": lambda: self._read_batches("limits", LimitsFollower(settings, history)),
        }
        if topics := live_topics(settings):
            works["flows"] = lambda: self._read_batches("flows", RecentReader(settings, recent, topics))
        # Each thread has a count of its own, so none waits for another.
        self._broken = dict.fromkeys(works, 0)
        self._threads = [
            threading.Thread(target=self._keep, args=(name, work), name=name, daemon=True)
            for name, work in works.items()
        ]

    def start(self) -> None:
        """Start reading."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all readers and wait for them."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def problem(self) -> str | None:
        """Why a reader does not read; None while all read."""
        return next(iter(self._problems.values()), None)

    @property
    def broken_records(self) -> int:
        """How many records broke their contract."""
        return sum(self._broken.values())

    @property
    def alive(self) -> bool:
        """Whether all threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def _keep(self, name: str, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                work()
            except (KafkaTopicError, KafkaException) as error:
                if self._problems.get(name) != str(error):
                    _LOG.warning("%s", error)
                self._problems[name] = str(error)
                self._stop.wait(RETRY_SECONDS)

    def _read_windows(self) -> None:
        start = datetime.now(UTC) - timedelta(seconds=self._settings.past_seconds)
        # All windows: those of other lengths are few, and the history ignores them.
        consumer = MovingAverageConsumer(**self._common(), positions=self._settings.positions, start=start)
        self._follow("windows", consumer, self._history.add_window)

    def _read_signals(self) -> None:
        start = datetime.now(UTC) - timedelta(seconds=PAST_SIGNALS_SECONDS)
        consumer = SignalConsumer(**self._common(), positions=self._settings.positions, start=start)
        self._follow("signals", consumer, self._history.add_signal)

    def _read_letters(self) -> None:
        # All positions: the status counts the whole topic, removed positions included.
        consumer = DeadLetterConsumer(**self._common(), start="beginning")
        self._history.begin_letters()
        self._follow("letters", consumer, self._history.add_letter, self._caught_up)

    def _caught_up(self) -> None:
        self._history.letters_counted = True

    def _common(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self._settings.bootstrap_servers,
            "prefix": self._settings.prefix,
            "timeout": POLL_SECONDS,
            "connect_timeout": CONNECT_SECONDS,
        }

    def _follow(
        self,
        name: str,
        consumer: TopicConsumer[T],
        take: Callable[[T], object],
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        """Pass each record to `take`, and call `idle` when none came for a moment."""
        with consumer as records:
            self._problems.pop(name, None)
            while not self._stop.is_set():
                try:
                    take(next(records))
                except RecordTimeoutError:
                    idle()
                except ContractError as error:
                    self._broken[name] += 1
                    _LOG.warning("%s", error)

    def _read_batches(self, name: str, reader: Reader) -> None:
        try:
            self._problems.pop(name, None)
            while not self._stop.is_set():
                self._broken[name] += reader.read()
        finally:
            reader.close()
