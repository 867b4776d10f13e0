"""Sinks with a real broker: missing 0, doubled 0, whenever they are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_END, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from kafka_topic.contracts import MovingAverage, Signal
from stores.disk import DiskStore
from stores.opening import open_store
from stores.records import KINDS
from stores.tables import Flow
from tests.cassandra_node import CassandraNode
from tests.hdfs_nodes import HdfsService
from tests.mysql_server import MySqlServer
from tests.ports import free_ports
from tests.stores.batches import ALWAYS
from tests.stores.sinks.receiver import Receiver

pytestmark = pytest.mark.slow
FLOW = Flow("movingaverage", KINDS["movingaverage"].table)
START = datetime(2026, 11, 22, tzinfo=UTC)
END_SECONDS = 90


def record(number: int) -> MovingAverage:
    start = START + timedelta(seconds=number)
    return MovingAverage(
        symbol=f"S{number % 7}",
        window_start=start,
        window_end=start + timedelta(seconds=10),
        count=1,
        **dict.fromkeys(("last", "min", "max", "mean"), float(number)),
        stddev=None,
        cv=None,
    )


def signal_of(number: int) -> Signal:
    price, at = float(number), START + timedelta(seconds=number)
    symbol = f"S{number % 7}"
    return Signal("limit", "reached", symbol, at, None, "buy", price, price, price, None, None, None, "why")


class Bundle:
    """The topic `movingaverage` of a bundle of its own, or another one, with three partitions."""

    def __init__(
        self, kafka: Any, source: str = "movingaverage", made: Callable[[int], Any] = record
    ) -> None:
        self._kafka = kafka
        self._servers = kafka.bootstrap_servers
        self._prefix = f"sink-{uuid.uuid4().hex[:8]}."
        self._written = 0
        self._source, self._made = source, made
        self.topic = f"{self._prefix}{source}"
        kafka.create(self.topic, partitions=3)

    def write(self, count: int) -> None:
        """Some in transactions, whose markers have offsets too; some in one that is given up."""
        servers = {"bootstrap.servers": self._servers}
        producer = Producer({**servers, "transactional.id": self._prefix})
        producer.init_transactions(60)
        for kept in (False, True):
            producer.begin_transaction()
            for number in range(self._written, self._written + count):
                value = self._made(number)
                producer.produce(self.topic, value.to_json(), value.symbol)
            (producer.commit_transaction if kept else producer.abort_transaction)(60)
        self._written += count

    def start(self, store: str, *options: str, **environ: str) -> subprocess.Popen[str]:
        """A sink, with small batches."""
        return subprocess.Popen(
            [sys.executable, "-m", "stores.sinks", *options],
            env={
                **os.environ,
                "KAFKA_BOOTSTRAP_SERVERS": self._servers,
                "TOPIC_PREFIX": self._prefix,
                "SOURCES": self._source,
                "GROUP": f"{self._prefix}sink",
                "STORE": store,
                "BATCH": "50",
                **environ,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, store: str, **environ: str) -> tuple[str, str]:
        """A job; returns its output and its log."""
        job = self.start(store, "--once", **environ)
        out, err = job.communicate(timeout=END_SECONDS)
        assert job.returncode == 0, err
        return out, err

    def make_again(self) -> None:
        """Delete the topic, and make one of the same name that holds more than the old one."""
        self._kafka.delete(self.topic)
        self._kafka.create(self.topic, partitions=3)
        self.write(2 * self._written)

    def forget(self, partition: int) -> None:
        """Remove all records of a partition, as retention does."""
        admin = AdminClient({"bootstrap.servers": self._servers})
        [removed] = admin.delete_records([TopicPartition(self.topic, partition, OFFSET_END)]).values()
        removed.result(END_SECONDS)


@pytest.fixture
def bundle(kafka: Any) -> Bundle:
    return Bundle(kafka)


def counts(store: Any) -> list[int]:
    """The number of each record in the store."""
    return sorted(int(row["mean"]) for row in store.read(FLOW, *ALWAYS))


def kill_in_the_middle(bundle: Bundle, address: str, store: Any, **environ: str) -> None:
    """Kill a job while it writes. It has far more to write than it can until then."""
    before = len(counts(store))
    job = bundle.start(address, "--once", **environ)
    deadline = time.monotonic() + END_SECONDS
    while len(counts(store)) == before:
        assert job.poll() is None and time.monotonic() < deadline, "waited for a job to write"
        time.sleep(0.01)
    job.send_signal(signal.SIGKILL)
    job.communicate()


def test_a_job_ends_at_the_end_of_its_start_and_the_next_one_continues(bundle, tmp_path):
    store = DiskStore(tmp_path)
    bundle.write(300)
    out, _ = bundle.run(f"disk:{tmp_path}")
    assert out == "movingaverage: wrote 300 records to the store disk\n"
    bundle.write(70)
    bundle.forget(0)
    _, err = bundle.run(f"disk:{tmp_path}")
    assert "partition 0: retention removed the records" in err
    found = counts(store)
    assert found[:300] == list(range(300)) and len(found) == len(set(found))
    # Keys are on partitions; seven of them, so that each of three has some.
    assert 300 < len(found) < 370

    # A group that has lost its offsets would store everything twice.
    job = bundle.start(f"disk:{tmp_path}", "--once", GROUP=f"{uuid.uuid4()}")
    _, err = job.communicate(timeout=END_SECONDS)
    assert job.returncode == 1
    assert "the group has lost its offsets: they would be stored twice" in err


def test_killed_sinks_and_two_at_once_store_each_record_once(bundle, tmp_path):
    store = DiskStore(tmp_path)
    bundle.write(4000)
    kill_in_the_middle(bundle, f"disk:{tmp_path}", store)
    assert len(counts(store)) < 4000
    both = [bundle.start(f"disk:{tmp_path}", "--once") for _ in range(2)]
    for job in both:
        _, err = job.communicate(timeout=END_SECONDS)
        assert job.returncode == 0, err
    assert counts(store) == list(range(4000))


def test_an_app_runs_until_it_is_stopped(bundle, tmp_path):
    [port] = free_ports(1)
    app = bundle.start(f"disk:{tmp_path}", PORT0=str(port))
    bundle.write(100)
    deadline = time.monotonic() + END_SECONDS
    while counts(DiskStore(tmp_path)) != list(range(100)):
        assert app.poll() is None and time.monotonic() < deadline, "waited for 100 records in the store"
        time.sleep(0.1)
    app.send_signal(signal.SIGTERM)
    out, err = app.communicate(timeout=END_SECONDS)
    assert (app.returncode, out) == (0, "movingaverage: wrote 100 records to the store disk\n"), err
    assert "Traceback" not in err


def test_a_topic_that_is_made_again_is_read_from_its_start(bundle, tmp_path):
    store = DiskStore(tmp_path)
    app = bundle.start(f"disk:{tmp_path}")
    bundle.write(100)
    deadline = time.monotonic() + END_SECONDS
    while len(counts(store)) < 100:
        assert app.poll() is None and time.monotonic() < deadline, "waited for 100 records in the store"
        time.sleep(0.1)
    bundle.make_again()
    _, err = app.communicate(timeout=END_SECONDS)
    assert app.returncode == 1
    assert "deleted and made again; the next start reads the new one" in err
    bundle.run(f"disk:{tmp_path}")
    assert counts(store) == list(range(300))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Any]:
    with MySqlServer(tmp_path, *free_ports(2)) as server:
        yield server


@pytest.mark.long
def test_a_real_hdfs_has_each_record_once(bundle, tmp_path):
    with HdfsService(tmp_path, *free_ports(2)) as nodes, closing(nodes.store()) as store:
        bundle.write(2000)
        kill_in_the_middle(bundle, nodes.address, store, **nodes.environ)
        both = [bundle.start(nodes.address, "--once", **nodes.environ) for _ in range(2)]
        for job in both:
            _, err = job.communicate(timeout=END_SECONDS)
            assert job.returncode == 0, err
        assert counts(store) == list(range(2000))


def test_a_real_database_has_each_record_once(bundle, database, monkeypatch):
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    store = open_store(database.address)
    bundle.write(2000)
    kill_in_the_middle(bundle, database.address, store, **database.environ)
    bundle.run(database.address, **database.environ)
    assert counts(store) == list(range(2000))


@pytest.mark.long
def test_a_real_cassandra_has_each_record_once(
    bundle: Bundle, cassandra: CassandraNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cassandra.environ.items():
        monkeypatch.setenv(name, value)
    address = cassandra.address("sunk")
    with closing(open_store(address)) as store:
        bundle.write(4000)
        kill_in_the_middle(bundle, address, store, **cassandra.environ)
        assert len(counts(store)) < 4000
        bundle.run(address, **cassandra.environ)
        assert counts(store) == list(range(4000))


def test_a_killed_webhook_has_posted_each_signal_in_order(kafka: Any) -> None:
    bundle, kills = Bundle(kafka, "signals", signal_of), 2
    bundle.write(240)
    with Receiver() as receiver:
        to = {"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": "hush"}
        job = bundle.start("", "--once", **to)

        def killing() -> int:
            """Kills the sink before the answer to its 20th post."""
            if len(receiver.posts) != 20:
                return 204
            job.kill()
            return 0

        receiver.answer = killing  # type: ignore[method-assign]
        _, err = job.communicate(timeout=END_SECONDS)
        assert job.returncode == -signal.SIGKILL, err
        # Now between a post and the next one, wherever that is.
        later = bundle.start("", "--once", **to)
        deadline = time.monotonic() + END_SECONDS
        while len(receiver.posts) < 80:
            assert later.poll() is None and time.monotonic() < deadline, "waited for 80 posts"
            time.sleep(0.01)
        later.kill()
        later.communicate()
        assert len(set(receiver.names)) < 240
        out, _ = bundle.run("", **to)
        assert out.startswith("signals: wrote ") and "hush" not in out
        names, posts = receiver.names, [json.loads(body) for _, body in receiver.posts]

    # Twice at most what was posted, and not committed, when the sink was killed.
    repeated = [name for name, count in Counter(names).items() if count > 1]
    assert names[19] in repeated and len(names) - len(set(names)) <= kills
    places = [(int(partition), int(offset)) for *_, partition, offset in (name.split(".") for name in names)]
    for number in range(3):
        offsets = [offset for partition, offset in places if partition == number]
        assert offsets == sorted(offsets)
    found: dict[str, dict[str, int]] = {}
    for name, post in zip(names, posts, strict=True):
        found.setdefault(post["symbol"], {})[name] = int(post["price"])
    assert {symbol: list(of.values()) for symbol, of in found.items()} == {
        f"S{first}": list(range(first, 240, 7)) for first in range(7)
    }
