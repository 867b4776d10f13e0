"""The topics and the app of a test, and live ticks for them."""

from __future__ import annotations

import json
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.gatherer.exact import TIME_FORMAT, Key, key_of
from tests.gatherer.flink import PATIENCE, App, Flink, wait_until
from tests.gatherer.model import Outcome, Record, Rules, check_letters, check_windows, outcome

# As the topics of prices are in a bundle that is deployed; and for records that say themselves when they were
# appended, however long ago.
DATED_BY_BROKER = {"message.timestamp.type": "LogAppendTime"}
CREATE_TIME = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}


def create(
    bootstrap_servers: str, topic: str, partitions: int = 1, on: int | None = None, **config: str
) -> None:
    """Create a topic; on the broker of this id, when one is given."""
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    where = {"replication_factor": 1} if on is None else {"replica_assignment": [[on]] * partitions}
    for future in admin.create_topics([NewTopic(topic, partitions, config=config, **where)]).values():
        future.result(30)


class Tail:
    """All committed records of a topic as they are, those of each partition in order, as they come."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

        self.records: list[Any] = []
        self._documents: list[dict[str, Any]] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "oracle",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        partitions = self._consumer.list_topics(topic, timeout=30).topics[topic].partitions
        self._partitions = [TopicPartition(topic, each, OFFSET_BEGINNING) for each in partitions]
        self._consumer.assign(self._partitions)
        self._next = dict.fromkeys(partitions, 0)

    def read(self) -> list[Any]:
        """All that there was at the call, and perhaps more.

        A topic with live ticks may have no end to meet, and markers that end transactions are not delivered.
        So each partition is read until a record, or the word of its end, says that its old end is reached.
        """
        from confluent_kafka import KafkaError

        ends = {
            each.partition: self._consumer.get_watermark_offsets(each, timeout=30)[1]
            for each in self._partitions
        }
        deadline = time.monotonic() + PATIENCE
        while any(self._next[partition] < end for partition, end in ends.items()):
            assert time.monotonic() < deadline, f"read up to {self._next}, and not to {ends}"
            for message in self._consumer.consume(10_000, timeout=0.1):
                error = message.error()
                if error is None:
                    self.records.append(message)
                    self._next[message.partition()] = message.offset() + 1
                elif error.code() == KafkaError._PARTITION_EOF:
                    self._next[message.partition()] = message.offset()
        return self.records

    def documents(self) -> list[dict[str, Any]]:
        """The same as JSON, each parsed once."""
        self._documents += [json.loads(each.value()) for each in self.read()[len(self._documents) :]]
        return self._documents

    def close(self) -> None:
        self._consumer.close()


def committed(bootstrap_servers: str, topic: str) -> list[Any]:
    """All committed records of a topic as they are, those of each partition in order."""
    tail = Tail(bootstrap_servers, topic)
    try:
        return tail.read()
    finally:
        tail.close()


class Bundle:
    """The topics of one test behind a prefix of their own, and the app that reads and writes them.

    job_servers: where the job finds the brokers, if not where the test does.
    """

    def __init__(
        self, flink: Flink, bootstrap_servers: str, name: str, job_servers: str | None = None
    ) -> None:
        from confluent_kafka import Producer

        self.prefix = f"{name}."
        self.bootstrap_servers = bootstrap_servers
        # Idempotent, which keeps the order: a new topic may refuse a first batch, which is then sent again.
        self.producer = Producer(
            {"bootstrap.servers": bootstrap_servers, "linger.ms": 5, "enable.idempotence": True}
        )
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": job_servers or bootstrap_servers,
            "TOPIC_PREFIX": self.prefix,
        }
        environ |= {"FLINK_CHECKPOINT_SECONDS": "0.5", "GATHERER_DISCOVERY_INTERVAL_SECONDS": "1"}
        self.app = App(flink, f"{name}.gatherer", environ)
        # Dated by the broker: a test may ask when something was written.
        for topic in ("movingaverage", "signals", "dead_letter"):
            self.create(topic, **DATED_BY_BROKER)
        self.create("limits")
        self._tail: Tail | None = None

    wait_until = staticmethod(wait_until)

    @property
    def rules(self) -> Rules:
        """The settings with which the app was started last."""
        return Rules.of(self.app.environ)

    def create(self, topic: str, partitions: int = 1, **config: str) -> None:
        create(self.bootstrap_servers, self.prefix + topic, partitions, **config)

    def send(self, symbol: str, value: bytes, partition: int = 0, producer: Any = None) -> None:
        producer = producer or self.producer
        producer.produce(f"{self.prefix}position.{symbol}", value, key=symbol, partition=partition)
        producer.poll(0)

    def tick(self, symbol: str, when: datetime, price: str, partition: int = 0, producer: Any = None) -> None:
        ts = when.strftime(TIME_FORMAT)[:-3]
        value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {price}}}'.encode()
        self.send(symbol, value, partition, producer)

    def flush(self) -> None:
        assert self.producer.flush(30) == 0

    def records(self, topic: str) -> list[Any]:
        """All committed records of a topic as they are."""
        return committed(self.bootstrap_servers, self.prefix + topic)

    def log(self, symbol: str) -> dict[int, list[Record]]:
        """A position's records by partition, as they are in its topic now."""
        partitions: dict[int, list[Record]] = {}
        for message in self.records(f"position.{symbol}"):
            place = message.topic(), message.partition(), message.offset()
            record = Record(*place, message.timestamp()[1], message.value())
            partitions.setdefault(record.partition, []).append(record)
        return partitions

    def owed(self, symbol: str) -> Outcome:
        """What the model says of them."""
        return outcome(symbol, self.log(symbol).values(), self.rules)

    def so_far(self) -> list[dict[str, Any]]:
        """The windows that are there, for who waits for some: each is read and parsed once."""
        if self._tail is None:
            self._tail = Tail(self.bootstrap_servers, f"{self.prefix}movingaverage")
        return self._tail.documents()

    def until_progress(self, records: int = 6) -> None:
        """Wait until the job has committed so many more windows."""
        wanted = len(self.so_far()) + records
        wait_until(
            lambda: len(self.so_far()) >= wanted, lambda: f"progress; the app says:\n{self.app.output()}"
        )

    def averages(self) -> list[dict[str, Any]]:
        """All windows, read afresh."""
        found = self.records("movingaverage")
        assert all(json.loads(message.value())["symbol"].encode() == message.key() for message in found)
        return [json.loads(message.value()) for message in found]

    def counts(self, window: str, start: datetime, symbol: str) -> dict[int, int]:
        """How many ticks a symbol's windows of a label have, by their end in seconds after `start`."""
        found: dict[int, int] = {}
        for record in self.averages():
            if (record["symbol"], record["window"]) == (symbol, window):
                end = (key_of(record)[2] - start) // timedelta(seconds=1)
                assert end not in found, f"{end} came twice"
                found[end] = record["count"]
        return found

    def letters(self, symbols: list[str]) -> list[dict[str, Any]]:
        """The dead letters of these positions."""
        topics = {f"{self.prefix}position.{symbol}" for symbol in symbols}
        letters = [json.loads(message.value()) for message in self.records("dead_letter")]
        return [letter for letter in letters if letter["topic"] in topics]

    def compare(self, symbols: list[str], until: datetime) -> int:
        """Wait for the dead letters, and for all windows that are due and end at `until` at the latest.
        Compare them, and every other window that the job has written of the symbols; the number of windows
        that were due.
        """
        owed = {symbol: self.owed(symbol) for symbol in symbols}
        due = self._until_written(owed, until)
        refused = sum(len(outcome.letters) for outcome in owed.values())
        wait_until(lambda: len(self.letters(symbols)) >= refused, f"{refused} dead letters")
        self._check(owed, due)
        return len(due)

    def verify(self, symbols: list[str], until: datetime) -> int:
        """The same, with the job stopped before anything is compared."""
        owed = {symbol: self.owed(symbol) for symbol in symbols}
        due = self._until_written(owed, until)
        assert self.app.stop() == 0, self.app.output()
        self._check(owed, due)
        return len(due)

    def _until_written(self, owed: dict[str, Outcome], until: datetime) -> set[Key]:
        due = set().union(*(outcome.due(until) for outcome in owed.values()))
        missing = set(due)

        def all_there() -> bool:
            missing.difference_update(map(key_of, self.so_far()))
            return not missing

        deadline = time.monotonic() + PATIENCE
        while not all_there():
            assert time.monotonic() < deadline, f"{len(missing)} of {len(due)} windows: {sorted(missing)[:5]}"
            time.sleep(0.2)
        return due

    def _check(self, owed: dict[str, Outcome], due: set[Key]) -> None:
        averages = [record for record in self.averages() if record["symbol"] in owed]
        check_windows(averages, owed.values(), due)
        check_letters(self.letters([*owed]), owed.values())


class Feed:
    """Live ticks in a thread: 20 a second for each symbol, event time = the clock."""

    def __init__(self, bundle: Bundle, symbols: list[str]) -> None:
        self._bundle, self._draw = bundle, random.Random(3)
        self._cents = dict.fromkeys(symbols, 100_000)
        self._held: dict[str, list[tuple[datetime, str]]] = {}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        for symbol in symbols:
            bundle.create(f"position.{symbol}", **DATED_BY_BROKER)
        self._thread.start()

    def add(self, symbol: str) -> None:
        self._bundle.create(f"position.{symbol}", **DATED_BY_BROKER)
        self._cents = {**self._cents, symbol: 5_000}

    def remove(self, symbol: str) -> None:
        self._cents = {other: cents for other, cents in self._cents.items() if other != symbol}

    def hold(self, symbols: set[str]) -> None:
        """Keep the ticks of some symbols back; `release` sends them in order."""
        self._held = {symbol: [] for symbol in symbols}

    def release(self, symbol: str) -> None:
        with self._lock:
            for moment, price in self._held.pop(symbol):
                self._bundle.tick(symbol, moment, price)
        self._bundle.flush()

    def close(self) -> datetime:
        """End the feed with a tick 30 s ahead for each symbol; returns the last window end that is due."""
        self._end.set()
        self._thread.join()
        close = datetime.now(UTC) + timedelta(seconds=30)
        for symbol in self._cents:
            self._bundle.tick(symbol, close, "1.00")
        self._bundle.flush()
        return close - timedelta(seconds=1)

    def _run(self) -> None:
        while not self._end.wait(0.05):
            cents = self._cents
            for symbol in cents:
                cents[symbol] += self._draw.choice((-1, 0, 1))
                moment, price = datetime.now(UTC), f"{cents[symbol] / 100:.2f}"
                with self._lock:
                    if symbol in self._held:
                        self._held[symbol].append((moment, price))
                    else:
                        self._bundle.tick(symbol, moment, price)
