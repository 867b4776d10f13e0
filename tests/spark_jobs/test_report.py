"""The report on a real topic by a real Spark: every figure and outlier equals its definition in fractions."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import psutil
import pytest
from confluent_kafka import Producer

from data_generator.settings import Settings
from data_generator.sources import exact as writing
from data_generator.sources import ledger
from data_generator.sources.exact import Target
from data_generator.sources.prices import SOURCE, Prices
from kafka_topic.contracts import format_time
from spark_jobs.errors import SourceError
from spark_jobs.kafka import Extent, extent_of
from spark_jobs.output import as_json, as_table
from spark_jobs.report import METHODS, Report, report_on_disk, report_on_topics
from stores.base import Batch
from stores.disk import DiskStore
from stores.tables import PRICES, Flow
from tests.data_generator.sources.test_prices import ENDLESS, Topic, until
from tests.data_generator.sources.test_prices import end as end_run
from tests.spark_jobs import exact

pytestmark = pytest.mark.slow

Tick = tuple[str, str, Decimal]
"""Time, symbol and price."""
START = datetime(2026, 11, 22, 23, 59, 30, tzinfo=UTC)


DEAR = [Decimal("500000000.01"), Decimal("500000000.02"), Decimal("500000000.03")]
"""Ordinary prices of the symbol DEAR, but far from those of the others."""


def ticks() -> list[Tick]:
    """Prices of which a rule over all symbols would miss CALM's outliers, and take DEAR's prices for some."""
    source = random.Random(7)
    ticks = []
    for number in range(1200):
        symbol = ("CALM", "HIGH", "WILD")[number % 3]
        middle, width = {"CALM": (100, 0.05), "HIGH": (1_000_000, 0.01), "WILD": (300, 80)}[symbol]
        price = Decimal(f"{max(0.01, source.gauss(middle, width)):.2f}")
        ticks.append((format_time(START + timedelta(milliseconds=50 * number)), symbol, price))
    planted = {30: Decimal("104.00"), 31: Decimal("1000000.50"), 32: Decimal("899.99"), 630: Decimal("96.00")}
    for number, price in planted.items():
        ticks[number] = (*ticks[number][:2], price)
    ticks += [(ticks[0][0], "FLAT", Decimal("5.00"))] * 4 + [(ticks[0][0], "FLAT", Decimal("5.01"))]
    ticks += [(ticks[5][0], "FINE", Decimal("0.00000001")), (ticks[5][0], "FINE", Decimal("999999999.99"))]
    ticks += [(ticks[number][0], "DEAR", price) for number, price in enumerate(DEAR)]
    return [*ticks, (ticks[9][0], "ONE", Decimal("238.32"))]


def record(tick: Tick) -> bytes:
    ts, symbol, price = tick
    return f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {price}}}'.encode()


def by_symbol(ticks: Sequence[Tick]) -> dict[str, list[Decimal]]:
    prices: dict[str, list[Decimal]] = defaultdict(list)
    for _, symbol, price in ticks:
        prices[symbol].append(price)
    return prices


def check(report: Report, given: Sequence[Tick]) -> None:
    """The report says of the ticks what their definitions say."""
    check_json(json.loads(as_json(report)), given)


def check_json(said: dict[str, Any], given: Sequence[Tick]) -> None:
    assert said["messages"] == len(given)
    prices = by_symbol(given)
    assert said["symbols"] == [{"symbol": name, **exact.figures(prices[name])} for name in sorted(prices)]
    values = {symbol: [Fraction(price) for price in several] for symbol, several in prices.items()}
    for method in METHODS:
        wanted = [tick for tick in given if exact.is_outlier(method, Fraction(tick[2]), values[tick[1]])]
        assert said["outliers"][method] == [
            {"ts": ts, "symbol": symbol, "price": float(price)} for ts, symbol, price in sorted(wanted)
        ]


def test_a_topic(spark, kafka, topic_of):
    given = ticks()
    topic = topic_of(map(record, given))
    report = report_on_topics(spark, kafka.bootstrap_servers, [topic], list(METHODS))
    assert (report.messages, report.broken) == (len(given), 0)
    check(report, given)
    planted = {("CALM", "104.00"), ("HIGH", "1000000.50"), ("WILD", "899.99"), ("CALM", "96.00")}
    # The same rules over all symbols at once would miss the outliers of CALM, and invent some of DEAR.
    everything = [Fraction(price) for _, _, price in given]
    for method in METHODS:
        found = {(each.symbol, f"{each.price:.2f}") for each in report.outliers[method]}
        assert planted <= found
        for missed in (Decimal("96.00"), Decimal("104.00")):
            assert not exact.is_outlier(method, Fraction(missed), everything)
        assert "DEAR" in [each.symbol for each in report.figures]
        assert not [price for symbol, price in found if symbol == "DEAR"]
        for invented in DEAR:
            assert exact.is_outlier(method, Fraction(invented), everything)
    lines = as_table(report).splitlines()
    assert lines[:3] == [
        f"topic {topic}, partition {number}: offsets 0 to {len(given) // 3 + (number < len(given) % 3)} "
        "(exclusive)"
        for number in range(3)
    ]
    assert lines[3] == f"messages: {len(given)}"
    row = "ONE 1 238.32 238.32 238.320000 - 238.320000 0.000000"
    assert row in [" ".join(line.split()) for line in lines]
    assert f"{given[30][0]}  CALM" in "\n".join(lines)


def test_invalid_records_are_counted_and_named(spark, kafka, topic_of):
    good = [record(tick) for tick in ticks()[:3]]
    no_price = b'{"ts": "2026-11-22 01:02:03.004", "symbol": "A"}'
    bad = [b"{", None, no_price, record((START.isoformat(), "A", Decimal(1)))]
    topic = topic_of([*good, *bad, record((ticks()[0][0], "A", Decimal(-1)))])
    report = report_on_topics(spark, kafka.bootstrap_servers, [topic], ["sigma"])
    assert (report.messages, report.broken) == (8, 5)
    check_named = "\n".join(report.broken_named)
    assert f"{topic}, partition 0, offset 1: the record is not JSON" in check_named
    assert f"{topic}, partition 2, offset 1: field 'price' is missing" in check_named
    assert f"{topic}, partition 1, offset 2: field 'price' must be above 0" in check_named
    assert len(report.broken_named) == 5
    assert "invalid messages: 5" in as_table(report)


def test_only_what_is_committed_at_the_start(spark, kafka, topic_of):
    """An aborted transaction counts for nothing, an open one is not waited for."""
    given = ticks()[:9]
    topic = topic_of(map(record, given))
    transactions = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": topic})
    transactions.init_transactions(30)
    for end in (transactions.commit_transaction, transactions.abort_transaction, lambda: None):
        transactions.begin_transaction()
        for number in range(3):
            transactions.produce(topic, record((given[0][0], "NEW", Decimal(7))), partition=number)
        transactions.flush(30)
        end()
    report = report_on_topics(spark, kafka.bootstrap_servers, [topic], ["sigma"])
    transactions.abort_transaction()
    assert report.messages == 12
    assert [each.symbol for each in report.figures] == ["CALM", "HIGH", "NEW", "WILD"]


def test_a_report_that_starts_while_the_producer_writes(spark, kafka, topic_of, monkeypatch):
    """It says what it counted, all that was committed at its start, and a later one counts everything."""
    topic, servers, total = topic_of([]), kafka.bootstrap_servers, 5000
    middle, started = threading.Event(), threading.Event()

    def headers(source: str, number: int, run: str) -> Any:
        # In the middle of the third transaction, the producer waits until the report has started.
        if number == 2500:
            middle.set()
            assert started.wait(120)
        return ledger.headers(source, number, run)

    monkeypatch.setattr(writing, "headers", headers)
    settings = Settings(servers, ("AAPL", "TSLA"), 7, model="normal", volatility=0.02)
    prices, target = Prices(settings, total, 1_795_000_000_000), Target(servers, topic, SOURCE)
    with ThreadPoolExecutor(1) as pool:
        wrote = pool.submit(writing.write_exactly, total, prices.make, target, threading.Event())

        def extent_then_the_rest(*args: Any) -> Extent:
            """What the report is about to read. Before it does, the producer writes the rest."""
            extent = extent_of(*args)
            started.set()
            assert wrote.result(120) == total
            return extent

        monkeypatch.setattr("spark_jobs.report.extent_of", extent_then_the_rest)
        try:
            assert middle.wait(120)
            report = report_on_topics(spark, servers, [topic], ["sigma"])
        finally:
            started.set()
    monkeypatch.undo()
    ends = [int(re.search(r"offsets 0 to (\d+) ", line)[1]) for line in report.read]
    assert report.messages == 2000 <= sum(ends) < total
    assert as_table(report).splitlines()[:4] == [*report.read, "messages: 2000"]
    later = report_on_topics(spark, servers, [topic], ["sigma"])
    assert (later.messages, later.broken) == (total, 0)
    assert sum(each.sums.count for each in later.figures) == total


def test_nothing_and_no_topic(spark, kafka, topic_of):
    report = report_on_topics(spark, kafka.bootstrap_servers, [topic_of([])], ["sigma"])
    assert report.messages == 0 and as_table(report).endswith("messages: 0")
    with pytest.raises(SourceError, match="topic 'nowhere' does not exist"):
        report_on_topics(spark, kafka.bootstrap_servers, ["nowhere"], ["sigma"])


def test_the_same_from_disk(spark, tmp_path, monkeypatch):
    given = ticks()
    store = DiskStore(tmp_path)
    for number in range(0, len(given), 300):
        several = given[number : number + 300]
        columns = {
            "ts": [datetime.fromisoformat(ts).replace(tzinfo=UTC) for ts, _, _ in several],
            "symbol": [symbol for _, symbol, _ in several],
            "price": [price for _, _, price in several],
            "topic": ["prices"] * len(several),
            "partition": [0] * len(several),
            "offset": list(range(number, number + len(several))),
        }
        store.write(Flow("prices", PRICES), Batch("w", number // 300), columns)
    report = report_on_disk(spark, f"disk:{tmp_path}", "prices", list(METHODS))
    assert report.messages == len(given)
    check(report, given)
    with pytest.raises(SourceError, match="holds no flow 'other'"):
        report_on_disk(spark, f"disk:{tmp_path}", "other", ["sigma"])
    removed, list_files = [tmp_path / "w.0000000000-0000000000.parquet"], DiskStore.files
    # Between the list and the reading, a merge removes a file.
    monkeypatch.setattr(
        DiskStore, "files", lambda *args: list_files(*args) + [removed.pop() for _ in range(len(removed))]
    )
    check(report_on_disk(spark, f"disk:{tmp_path}", "prices", list(METHODS)), given)
    assert not removed


def test_prices_are_counted_once_that_were_written_despite_kills(spark, kafka):
    topic = Topic(kafka, "counted")
    process = topic.run(*ENDLESS)
    until(process, "are in")
    kafka.kill()
    kafka.start()
    until(process, "are in")
    assert end_run(process) == -signal.SIGKILL
    total = topic.so_far() + 5000
    assert topic.done("--count", str(total)).endswith("wrote 5000\n")
    assert report_on_topics(spark, kafka.bootstrap_servers, [topic.name], ["sigma"]).messages == total


def test_spark_listens_on_loopback_only_and_no_setting_is_on_its_command_line(spark):
    java = [each for each in psutil.Process().children(recursive=True) if each.name() == "java"]
    assert java
    for process in java:
        listening = [c for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        assert all(each.laddr.ip in ("127.0.0.1", "::1", "::ffff:127.0.0.1") for each in listening), listening
        if "SparkSubmit" in (line := " ".join(process.cmdline())):
            assert "--conf" not in line and "-Xmx768m" in line


# tests/e2e/test_readme.py runs the program as a job. What it prints is checked above.
@pytest.mark.long
def test_the_program(kafka, topic_of):
    topic = topic_of(map(record, ticks()))
    argv = [sys.executable, "-m", "spark_jobs", "report", "--topic", topic, "--method", "sigma", "-o", "json"]
    environ = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, "SPARK_MASTER": "local[1]"}
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["messages"] == len(ticks()) and list(said["outliers"]) == ["sigma"]
    assert "WARN" not in done.stderr
