"""Topics of a test's own on the real broker, and a transactional writer for them."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from kafka_topic.contracts import MovingAverage

START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
_numbers = itertools.count()


class Stage:
    """A prefix of its own, topics below it, and transactions that write windows into `movingaverage`."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.prefix = f"stage{next(_numbers)}."
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self._producer: Producer | None = None

    def create(self, *names: str, partitions: int = 1) -> None:
        topics = [NewTopic(self.prefix + name, partitions, 1) for name in names]
        for future in self.admin.create_topics(topics).values():
            future.result()

    def topics(self) -> set[str]:
        return {name for name in self.admin.list_topics(timeout=10).topics if name.startswith(self.prefix)}

    @property
    def producer(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(
                {"bootstrap.servers": self.bootstrap_servers, "transactional.id": self.prefix}
            )
            self._producer.init_transactions()
        return self._producer

    def begin(self, *records: tuple[str, int], timestamp: int = 0) -> None:
        """Write windows (symbol, number) into a transaction and leave it open."""
        self.producer.begin_transaction()
        for symbol, number in records:
            value = self.window(symbol, number).to_json()
            self.producer.produce(self.prefix + "movingaverage", value, symbol, timestamp=timestamp)
        self.producer.flush()

    def commit(self, *records: tuple[str, int], timestamp: int = 0) -> None:
        self.begin(*records, timestamp=timestamp)
        self.producer.commit_transaction()

    def abort(self, *records: tuple[str, int]) -> None:
        self.begin(*records)
        self.producer.abort_transaction()

    def send(self, name: str, *records: tuple[str, bytes | None]) -> None:
        """Write records (key, value) into a topic, as any program may."""
        plain = Producer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
            }
        )
        for key, value in records:
            plain.produce(self.prefix + name, value, key)
        assert plain.flush(20) == 0

    @staticmethod
    def window(symbol: str, number: int, seconds: int = 10) -> MovingAverage:
        end = START + timedelta(seconds=number)
        start = end - timedelta(seconds=seconds)
        return MovingAverage(symbol, start, end, 2, 1.0, 1.0, 3.0, 2.0, 1.5, 75.0)


@pytest.fixture
def stage(kafka) -> Iterator[Stage]:
    yield Stage(kafka.bootstrap_servers)


@pytest.fixture
def window_end() -> Callable[[int], datetime]:
    """The end of the window with a number."""
    return lambda number: START + timedelta(seconds=number)


@pytest.fixture
def unused_address() -> Iterator[str]:
    """An address at which nothing answers: bound, so that nobody else takes it, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"
