"""Answers in Spark SQL, against the same computed in plain Python."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.errors import SourceError
from spark_jobs.queries.answers import answer
from spark_jobs.queries.catalogue import QUERIES
from stores.base import Batch, Store
from stores.disk import DiskStore
from stores.opening import open_store
from stores.tables import MOVING_AVERAGE, PRICES, SIGNALS, Flow
from tests.cassandra_node import CassandraNode
from tests.hdfs_nodes import HdfsService
from tests.mysql_server import MySqlServer
from tests.ports import free_ports

pytestmark = pytest.mark.slow
START = datetime(2026, 11, 22, 21, 59, tzinfo=UTC)
SYMBOLS = ("AAPL", "MSFT", "TSLA")
Row = Mapping[str, Any]


def prices() -> list[Row]:
    """Three minutes. Up to four prices of a position have the same time."""
    dice = random.Random(3)
    return [
        {
            "ts": START + timedelta(seconds=number // 4),
            "symbol": dice.choice(SYMBOLS),
            "price": Decimal(dice.randint(9_000, 11_000)) / 100,
            "topic": "prices",
            "partition": 0,
            "offset": number,
        }
        for number in range(720)
    ]


def averages() -> list[Row]:
    """Ten minutes and an hour change of windows, some without a `cv`."""
    dice = random.Random(1)
    rows: list[Row] = []
    for number in range(300):
        for symbol in SYMBOLS:
            end = START + timedelta(seconds=2 * number)
            price = 100 + 5 * dice.random()
            rows.append(
                {
                    **dict.fromkeys(MOVING_AVERAGE.names),
                    "symbol": symbol,
                    "window": dice.choice(["10s", "1m"]),
                    "window_end": end,
                    "window_start": end - timedelta(seconds=10),
                    "count": 500,
                    **dict.fromkeys(("last", "min", "max", "mean"), price),
                    "cv": dice.choice([None, dice.random()]),
                }
            )
    return rows


def signals() -> list[Row]:
    """Forecasts, of which some come true: in time, too late, on the other side, or of another position."""
    dice = random.Random(2)
    rows: list[Row] = []
    for number in range(200):
        event = dice.choice(["likely", "reached", "unlikely"])
        forecast = event != "reached"
        rows.append(
            {
                **dict.fromkeys(SIGNALS.names),
                "kind": "limit",
                "event": event,
                "symbol": dice.choice(SYMBOLS),
                "reason": "why",
                "time": START + timedelta(seconds=3 * number),
                "side": dice.choice(["buy", "sell"]),
                "price": 100 + 5 * dice.random(),
                "value": 1.0,
                "threshold": 0.5,
                "probability": dice.random() if forecast else None,
                "horizon_seconds": dice.choice([5.0, 30.0]) if forecast else None,
                "topic": "signals",
                "partition": 0,
                "offset": number,
            }
        )
    rows.append({**rows[0], "kind": "gap", "event": "silent", "offset": 200})
    return rows


def fill(store: Store) -> None:
    for flow, rows in (
        (Flow("prices", PRICES), prices()),
        (Flow("movingaverage", MOVING_AVERAGE), averages()),
        (Flow("signals", SIGNALS), signals()),
    ):
        columns = {name: [row[name] for row in rows] for name in flow.table.names}
        store.write(flow, Batch("w", 0), columns)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def prices_by_minute() -> list[tuple[Any, ...]]:
    def bar(row: Row) -> tuple[str, str]:
        return row["symbol"], f"{row['ts']:%Y-%m-%dT%H:%M:00Z}"

    found = []
    for key, rows in groupby(sorted(prices(), key=bar), bar):
        each = [float(row["price"]) for row in rows]  # by offset, since the sort is stable
        found.append((*key, len(each), each[0], max(each), min(each), each[-1]))
    return found


def volatility_by_hour() -> list[tuple[Any, ...]]:
    groups: dict[tuple[str, str, int], list[float]] = {}
    for row in averages():
        if row["cv"] is not None:
            key = (row["symbol"], row["window"], row["window_end"].hour)
            groups.setdefault(key, []).append(row["cv"])
    return [(*key, len(cvs), mean(cvs), max(cvs)) for key, cvs in sorted(groups.items())]


def limits_reached() -> list[tuple[Any, ...]]:
    groups: dict[tuple[str, str], list[tuple[float, float | None]]] = {}
    reached = [row for row in signals() if row["event"] == "reached"]
    for row in signals():
        if row["event"] == "likely":
            key = (row["symbol"], row["side"])
            waits = [
                (each["time"] - row["time"]).total_seconds()
                for each in reached
                if (each["symbol"], each["side"]) == key and each["time"] >= row["time"]
            ]
            wait = min((each for each in waits if each <= row["horizon_seconds"]), default=None)
            groups.setdefault(key, []).append((row["probability"], wait))
    found = []
    for key, forecasts in sorted(groups.items()):
        waits = [wait for _, wait in forecasts if wait is not None]
        share = len(waits) / len(forecasts)
        probability = mean([probability for probability, _ in forecasts])
        found.append((*key, len(forecasts), len(waits), probability, share, mean(waits) if waits else None))
    return found


def signals_paid_off() -> list[tuple[Any, ...]]:
    gains: dict[str, list[float]] = {}
    for row in signals():
        if row["event"] == "reached":
            first, last = row["time"] + timedelta(seconds=60), row["time"] + timedelta(seconds=120)
            later = [
                (each["window_end"], each["last"])
                for each in averages()
                if each["symbol"] == row["symbol"] and each["window"] == "10s"
                if first <= each["window_end"] < last
            ]
            if later:
                gain = (min(later)[1] - row["price"]) / row["price"] * 100
                gains.setdefault(row["symbol"], []).append(gain if row["side"] == "buy" else -gain)
    found = [
        (symbol, len(each), sum(gain > 0 for gain in each), mean(each), max(each), min(each))
        for symbol, each in gains.items()
    ]
    return sorted(found, key=lambda row: (-row[3], row[0]))


WANTED = {
    "prices-by-minute": prices_by_minute,
    "volatility-by-hour": volatility_by_hour,
    "limits-reached": limits_reached,
    "signals-paid-off": signals_paid_off,
}


def check(spark: Any, address: str) -> None:
    assert WANTED.keys() == QUERIES.keys()
    for name, wanted in WANTED.items():
        found = answer(spark, QUERIES[name], address)
        rows = [tuple(row) for row in wanted()]
        assert len(rows) > 1 and [pytest.approx(row) for row in rows] == list(found.rows), name
        assert len(found.columns) == len(rows[0])


@pytest.fixture
def disk(tmp_path: Path) -> str:
    fill(DiskStore(tmp_path))
    return f"disk:{tmp_path}"


class Database:
    """A store that is no files."""

    def __init__(self, store: DiskStore) -> None:
        self._store = store

    def read(self, flow: Flow, start: datetime, end: datetime) -> Iterator[Row]:
        return self._store.read(flow, start, end)

    def close(self) -> None:
        self._store.close()


def test_files_and_databases_answer_as_python_does(spark, disk, monkeypatch, tmp_path):
    check(spark, disk)
    empty = f"disk:{tmp_path / 'empty'}"
    with pytest.raises(SourceError, match=r"holds no flow signals; `pipectl run sink --from signals"):
        answer(spark, QUERIES["limits-reached"], empty)
    monkeypatch.setattr(
        "spark_jobs.queries.answers.open_store", lambda address: Database(DiskStore(tmp_path))
    )
    check(spark, "cassandra:x")
    monkeypatch.setattr("spark_jobs.queries.answers._MOST_ROWS", 10)
    with pytest.raises(SourceError, match="cassandra:x holds more than 10 rows of prices"):
        check(spark, "cassandra:x")


def test_a_file_that_a_sink_has_merged_meanwhile_is_found_again(spark, disk, monkeypatch):
    now, stale = DiskStore.locations, [["/none/w.0000000000-0000000000.parquet"]]

    def locations(store: DiskStore, flow: str) -> list[str]:
        return stale.pop() if stale else now(store, flow)

    monkeypatch.setattr(DiskStore, "locations", locations)
    found = answer(spark, QUERIES["volatility-by-hour"], disk)
    assert not stale and len(found.rows) == len(volatility_by_hour())


@pytest.mark.long
def test_the_program(disk):
    argv = [sys.executable, "-m", "spark_jobs", "query", "volatility-by-hour", "--store", disk]
    environ = {**os.environ, "SPARK_MASTER": "local[1]"}

    def run(*more: str) -> str:
        return subprocess.run(
            [*argv, *more], env=environ, capture_output=True, text=True, timeout=200, check=True
        ).stdout

    found = json.loads(run("-o", "json"))
    assert [tuple(row.values()) for row in found] == [pytest.approx(row) for row in volatility_by_hour()]
    heading, first, *_ = run().splitlines()
    assert heading.split() == ["SYMBOL", "WINDOW", "HOUR", "WINDOWS", "MEAN_CV", "MAX_CV"]
    assert first.split()[:3] == ["AAPL", "10s", "21"]


@pytest.mark.long
def test_a_real_hdfs_answers_too(spark, tmp_path, monkeypatch):
    with HdfsService(tmp_path, *free_ports(2)) as nodes:
        fill_and_check(spark, nodes, nodes.address, monkeypatch)


def fill_and_check(
    spark: Any,
    server: CassandraNode | HdfsService | MySqlServer,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    with closing(open_store(address)) as store:
        fill(store)
    check(spark, address)


@pytest.mark.long
def test_a_real_mysql_answers_too(spark, tmp_path, monkeypatch):
    with MySqlServer(tmp_path, *free_ports(2)) as server:
        fill_and_check(spark, server, server.address, monkeypatch)


@pytest.mark.long
def test_a_real_cassandra_answers_too(spark, cassandra, monkeypatch):
    fill_and_check(spark, cassandra, cassandra.address("asked"), monkeypatch)
