"""Streams into a store: every record and every window once, whatever is killed."""

from __future__ import annotations

import dataclasses
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from kafka_topic.contracts import Measurement, format_time
from spark_jobs.errors import CheckpointError, SourceError
from spark_jobs.progress import progress_line
from spark_jobs.stream import StreamSettings, start
from stores.disk import DiskStore
from stores.tables import MEASUREMENTS, PRICES, STATISTICS, Flow
from tests import memory
from tests.spark_jobs import exact

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 22, 23, 59, 0, tzinfo=UTC)
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
WINDOW = timedelta(seconds=10)
Tick = tuple[datetime, str, Decimal]


def ticks(number: int, seed: int = 1) -> list[Tick]:
    """Prices near 1e6 and near 10, two a second each, up to 3 s out of order."""
    source = random.Random(seed)
    return [
        (
            START + timedelta(milliseconds=250 * each + source.randrange(3000)),
            ("HIGH", "LOW")[each % 2],
            Decimal(f"{source.gauss((1e6, 10)[each % 2], 0.05):.2f}"),
        )
        for each in range(number)
    ]


def record(tick: Tick) -> bytes:
    return f'{{"ts": "{format_time(tick[0])}", "symbol": "{tick[1]}", "price": {tick[2]}}}'.encode()


CLOSING: Tick = (START + timedelta(days=1), "END", Decimal(1))
"""A time so late that it closes all windows before it."""


def send(kafka: Any, topic: str, values: Iterable[bytes]) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})
    for number, value in enumerate(values):
        producer.produce(topic, value, partition=number % 3)
    assert producer.flush(30) == 0


def windows(given: Sequence[Tick]) -> dict[tuple[str, datetime], dict[str, Any]]:
    """By name and end, by definition."""
    grouped: dict[tuple[str, datetime], list[Decimal]] = defaultdict(list)
    for ts, symbol, price in given:
        if symbol != "END":
            grouped[symbol, START + ((ts - START) // WINDOW + 1) * WINDOW].append(price)
    wanted = ("count", "mean", "stddev", "min", "max")
    return {key: {name: exact.figures(prices)[name] for name in wanted} for key, prices in grouped.items()}


def check(root: Path, given: Sequence[Tick], late: Sequence[Tick] = ()) -> None:
    """The store holds the records and the windows of the ticks, once each and right."""
    store = DiskStore(root)
    found = list(store.read(Flow("prices", PRICES), *ALWAYS))
    assert Counter((row["ts"], row["symbol"], row["price"]) for row in found) == Counter([*given, *late])
    assert len({(row["partition"], row["offset"]) for row in found}) == len(found)
    stored = list(store.read(Flow("prices-statistics", STATISTICS), *ALWAYS))
    assert len({(row["name"], row["window_end"]) for row in stored}) == len(stored)
    assert all(row["window_end"] - row["window_start"] == WINDOW and row["window"] == "10s" for row in stored)
    wanted = windows(given)
    assert {
        (row["name"], row["window_end"]): {name: row[name] for name in next(iter(wanted.values()))}
        for row in stored
    } == wanted


@pytest.fixture
def settings(kafka, topic_of, tmp_path) -> StreamSettings:
    return StreamSettings(
        kafka.bootstrap_servers,
        flow="prices",
        kind="prices",
        topics=(topic_of([]),),
        window=WINDOW,
        delay=timedelta(seconds=5),
        checkpoints=tmp_path / "checkpoints",
        most=150,
    )


def run_once(spark, store: DiskStore, settings: StreamSettings) -> list[str]:
    """Store what is there; returns what is said of the batches."""
    queries = start(spark, store, settings, once=True)
    for query in queries:
        assert query.awaitTermination(120), f"waited 120 s for the query {query.name}"
    lines = [progress_line(each) for query in queries for each in query.recentProgress]
    return [line for line in lines if line is not None]


def test_records_and_windows_once_each(spark, kafka, settings, tmp_path):
    store = DiskStore(tmp_path / "store")
    given = ticks(400)
    send(kafka, settings.topics[0], [*map(record, given), b"{"])
    said = run_once(spark, store, settings)
    assert sum(int(line.split(": ")[1].split()[0]) for line in said if " records" in line) == 401
    assert any("1 of them invalid, such as spark" in line and "is not JSON" in line for line in said)
    # A record from the future is refused; otherwise all until then would be late.
    ahead = (datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1), "AHEAD", Decimal(2))
    send(kafka, settings.topics[0], [*[record(CLOSING)] * 3, record(ahead)])
    said = run_once(spark, store, settings)
    assert any("1 of them invalid" in line and "after the Kafka timestamp" in line for line in said)
    late = [(START, "LATE", Decimal(2))]
    send(kafka, settings.topics[0], map(record, late))
    assert any("1 too late for their window" in line for line in run_once(spark, store, settings))
    check(tmp_path / "store", [*given, *[CLOSING] * 3], late)


def test_measurements(spark, kafka, settings, tmp_path):
    source = random.Random(3)
    given = [
        Measurement(
            START + timedelta(milliseconds=200 * each), ("cpu", "memory")[each % 2], value, "1", "here"
        )
        for each in range(200)
        for value in [source.gauss(0, (1, 1e9)[each % 2])]
    ]
    closing = Measurement(CLOSING[0], "end", 1.0, "1", "here")
    send(kafka, settings.topics[0], [each.to_json() for each in [*given, *[closing] * 3]])
    store = DiskStore(tmp_path / "store")
    run_once(spark, store, dataclasses.replace(settings, flow="monitoring", kind="measurements"))
    found = store.read(Flow("monitoring", MEASUREMENTS), *ALWAYS)
    rows = Counter(tuple(row[name] for name in ("ts", "name", "value", "unit", "host")) for row in found)
    assert rows == Counter(dataclasses.astuple(each) for each in [*given, *[closing] * 3])
    grouped: dict[tuple[str, datetime], list[float]] = defaultdict(list)
    for each in given:
        grouped[each.name, START + ((each.ts - START) // WINDOW + 1) * WINDOW].append(each.value)
    stored = list(store.read(Flow("monitoring-statistics", STATISTICS), *ALWAYS))
    assert {(row["name"], row["window_end"]) for row in stored} == grouped.keys() and len(stored) == len(
        grouped
    )
    for row in stored:
        values = grouped[row["name"], row["window_end"]]
        assert (row["count"], row["min"], row["max"]) == (len(values), min(values), max(values))
        assert row["mean"] == pytest.approx(
            statistics.mean(values), rel=1e-12, abs=1e-12 * max(map(abs, values))
        )
        assert row["stddev"] == pytest.approx(statistics.stdev(values), rel=1e-12)


def test_nothing_is_stored_twice_after_a_checkpoint_is_lost(spark, kafka, settings, tmp_path):
    store = DiskStore(tmp_path / "store")
    send(kafka, settings.topics[0], map(record, ticks(10)))
    run_once(spark, store, settings)
    settings.checkpoints.rename(tmp_path / "moved")
    with pytest.raises(CheckpointError, match="would store them again"):
        start(spark, store, settings, once=True)
    assert len(list(store.read(Flow("prices", PRICES), *ALWAYS))) == 10


def test_a_topic_that_is_not_there(spark, settings, tmp_path):
    with pytest.raises(SourceError, match="topic 'nowhere' does not exist"):
        start(spark, DiskStore(tmp_path), dataclasses.replace(settings, topics=("nowhere",)), once=True)


def rows_stored(root: Path, flow: str = "prices") -> int:
    return sum(each.rows for each in DiskStore(root).describe() if each.flow == flow)


@pytest.mark.timeout(600)
@pytest.mark.long  # bench/spark_kills.py, whose short form is not long, kills the worker
@pytest.mark.parametrize("kills", [1, 3])
def test_every_record_and_window_is_stored_once_when_the_driver_is_killed(kafka, topic_of, tmp_path, kills):
    memory.need(memory.SPARK_MB, "Spark")
    topic = topic_of([])
    root = tmp_path / "store"
    given = [*ticks(900), *[CLOSING] * 3]
    # What is sent at once spans 25 s, and the partitions need not be read in step.
    argv = [
        *(sys.executable, "-m", "spark_jobs", "stream", "--flow", "prices", "--topic", topic),
        *("--store", f"disk:{root}", "--window", "10s", "--delay", "1m"),
    ]
    environ = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "SPARK_MASTER": "local[2]"}

    def process(*more: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "output").open("ab") as output:
            return subprocess.Popen(
                [*argv, *more], env=environ, stdout=output, stderr=output, start_new_session=True
            )

    sent = 0
    for _ in range(kills):
        driver = process()
        try:
            for _ in range(2):
                send(kafka, topic, map(record, given[sent : sent + 100]))
                sent += 100
                deadline = time.monotonic() + 200
                # Killed in the middle: some of what was sent is stored, more is on its way.
                while rows_stored(root) < sent - 150:
                    assert driver.poll() is None, (tmp_path / "output").read_text()[-3000:]
                    assert time.monotonic() < deadline, "waited 200 s for the stream to store what was sent"
                    time.sleep(0.05)
        finally:
            os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()
    send(kafka, topic, map(record, given[sent:]))
    last = process("--once")
    assert last.wait(240) == 0, (tmp_path / "output").read_text()[-3000:]
    check(root, given)
