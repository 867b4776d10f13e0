"""Reading Kafka: two threads that fill the history, and start over by themselves when Kafka was away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from dashboard.history import History
from dashboard.settings import Settings
from kafka_topic.brokers import Brokers, open_consumer
from kafka_topic.consumer import MovingAverageConsumer
from kafka_topic.contracts import Price
from kafka_topic.errors import ContractError, KafkaTopicError, RecordTimeoutError, TopicMissingError
from kafka_topic.names import Topics

RETRY_SECONDS = 2.0
POLL_SECONDS = 0.1
CONNECT_SECONDS = 5.0
SAMPLE_MS = 100
"""Prices of one position are kept at most this often: a screen shows no more."""
PAST_SECONDS = 60.0
"""How far back prices are read at the start."""
CATCH_UP_SECONDS = 10.0
"""A reader that is still behind after this time skips to the present: old prices are nobody's."""
BEHIND_MS = 2000
BATCH = 2000
_LOG = logging.getLogger("dashboard")


class Feed:
    """The readers. `problem` says what keeps one of them from reading, None while both do."""

    def __init__(self, settings: Settings, history: History) -> None:
        self._settings = settings
        self._history = history
        self._stop = threading.Event()
        self._problems: dict[str, str] = {}
        # One count a thread: neither waits for the other to write its own.
        self._broken = {"windows": 0, "prices": 0}
        self._threads = [
            threading.Thread(target=self._keep, args=(work,), name=work.__name__, daemon=True)
            for work in (self._read_windows, self._read_prices)
        ]

    def start(self) -> None:
        """Start reading."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both readers and wait for them."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def problem(self) -> str | None:
        """Why nothing is read, if so."""
        return next(iter(self._problems.values()), None)

    @property
    def broken_records(self) -> int:
        """How many records broke their contract."""
        return sum(self._broken.values())

    @property
    def alive(self) -> bool:
        """Whether both threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def _keep(self, work: Callable[[], None]) -> None:
        name = work.__name__
        while not self._stop.is_set():
            try:
                work()
            except (KafkaTopicError, KafkaException) as error:
                if self._problems.get(name) != str(error):
                    _LOG.warning("%s", error)
                self._problems[name] = str(error)
                self._stop.wait(RETRY_SECONDS)

    def _read_windows(self) -> None:
        start = datetime.now(UTC) - timedelta(seconds=self._settings.windows_kept)
        with MovingAverageConsumer(
            self._settings.bootstrap_servers,
            prefix=self._settings.prefix,
            positions=self._settings.positions,
            window=self._settings.window,
            start=start,
            timeout=POLL_SECONDS,
            connect_timeout=CONNECT_SECONDS,
        ) as records:
            self._problems.pop("_read_windows", None)
            while not self._stop.is_set():
                try:
                    self._history.add_window(next(records))
                except RecordTimeoutError:
                    continue
                except ContractError as error:
                    self._broken["windows"] += 1
                    _LOG.warning("%s", error)

    def _read_prices(self) -> None:
        prices = _Prices(self._settings, self._history)
        try:
            self._problems.pop("_read_prices", None)
            while not self._stop.is_set():
                broken = prices.read()
                self._broken["prices"] += broken
        finally:
            prices.close()


class _Prices:
    """Samples the position topics: counts every tick, reads few of them."""

    def __init__(self, settings: Settings, history: History) -> None:
        self._history = history
        topics = Topics(settings.prefix)
        self._symbols = {topics.position(symbol): symbol for symbol in settings.positions}
        self._brokers = Brokers(settings.bootstrap_servers, timeout=CONNECT_SECONDS)
        found = self._brokers.partitions(self._symbols)
        if missing := sorted(self._symbols.keys() - found.keys()):
            raise TopicMissingError(
                f"topics that do not exist: {', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}; "
                "`pipectl deploy` creates those of its positions"
            )
        self._partitions = [one for several in found.values() for one in several]
        self._sampled = dict.fromkeys(self._symbols, 0)
        self._held: dict[str, Message] = {}
        past = self._brokers.since(self._partitions, int((time.time() - PAST_SECONDS) * 1000))
        self._consumer: Consumer = open_consumer(
            settings.bootstrap_servers, queued_max_messages_kbytes=16384, fetch_wait_max_ms=100
        )
        self._assign(past)

    def close(self) -> None:
        self._consumer.close()

    def read(self) -> int:
        """Take what has come; returns how many records broke their contract."""
        messages = self._consumer.consume(BATCH, POLL_SECONDS)
        broken, counts = 0, dict.fromkeys(self._symbols, 0)
        for message in messages:
            if message.error() is not None:
                raise KafkaException(message.error())
            topic = message.topic() or ""
            counts[topic] += 1
            if message.timestamp()[1] - self._sampled[topic] < SAMPLE_MS:
                self._held[topic] = message
            else:
                broken += not self._take(topic, message)
        now_ms = time.time() * 1000
        # The last tick before a silence counts, however soon it came after the one before it.
        for topic, message in list(self._held.items()):
            if now_ms - message.timestamp()[1] >= SAMPLE_MS:
                broken += not self._take(topic, message)
        for topic, count in counts.items():
            if count:
                self._history.count_ticks(self._symbols[topic], count)
        if (
            len(messages) == BATCH
            and now_ms - messages[-1].timestamp()[1] > BEHIND_MS
            and time.monotonic() - self._assigned_at > CATCH_UP_SECONDS
        ):
            self._assign(self._brokers.latest(self._partitions))
        return broken

    def _take(self, topic: str, message: Message) -> bool:
        self._held.pop(topic, None)
        self._sampled[topic] = message.timestamp()[1]
        value = message.value()
        try:
            self._history.add_price(Price.from_json(value if isinstance(value, bytes) else b""))
        except ContractError:
            return False
        return True

    def _assign(self, offsets: dict[tuple[str, int], int]) -> None:
        self._assigned_at = time.monotonic()
        self._consumer.assign([TopicPartition(topic, number, at) for (topic, number), at in offsets.items()])
