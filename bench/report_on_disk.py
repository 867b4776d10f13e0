"""Compares Spark, DuckDB and polars: statistics and outliers of the report, from the same files on disk.

    python bench/report_on_disk.py [--rows 10000000] [--rounds 3] [--memory 1g]

All three give the same figures, which is checked; only their ratios mean something on another machine. CPU
time is that of this process and of Spark's JVM; on a busy machine, the time by the clock says little. Spark's
is also shown by stage. The long form is --rows 50000000.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import broker  # noqa: F401 - first: it lets the next ones be found
import lent
import numpy as np
import psutil
import pyarrow as pa

from spark_jobs.report import METHODS, report_on_disk
from spark_jobs.session import SessionSettings, spark_session
from stores.base import Batch
from stores.disk import DiskStore
from stores.tables import PRICES, Flow

SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
START_MS = 1_795_000_000_000
BATCH = 2_000_000
Answer = dict[str, tuple[int, float, float, float, float, int, int]]
"""By symbol: count, min, max, mean, stddev, outliers by sigma, and by Hampel."""


def fill(store: DiskStore, rows: int) -> float:
    """Write prices of five symbols over some days; the seconds that writing took."""
    source = np.random.default_rng(7)
    spent = 0.0
    for number, begin in enumerate(range(0, rows, BATCH)):
        size = min(BATCH, rows - begin)
        offsets = np.arange(begin, begin + size)
        which = source.integers(0, len(SYMBOLS), size)
        cents = np.maximum(1, np.rint(source.normal(10_000 * (which + 1), 300))).astype(np.int64)
        # Arrow's decimals have 128 bits: the lower 64 hold the units, the upper ones nothing.
        halves = np.stack([cents * 10**6, np.zeros(size, np.int64)], axis=1)
        price = pa.Array.from_buffers(pa.decimal128(17, 8), size, [None, pa.py_buffer(halves.tobytes())])
        columns = {
            "ts": pa.array(START_MS + offsets * 10, pa.timestamp("ms", "UTC")),
            "symbol": np.array(SYMBOLS)[which],
            "price": price,
            "topic": np.full(size, "prices"),
            "partition": np.zeros(size, np.int64),
            "offset": offsets,
        }
        started = time.perf_counter()
        store.write(Flow("prices", PRICES), Batch("bench", number), columns)
        spent += time.perf_counter() - started
    return spent


def by_spark(session: Any, folder: Path) -> Answer:
    report = report_on_disk(session, f"disk:{folder}", "prices", list(METHODS))
    outliers = {method: [each.symbol for each in found].count for method, found in report.outliers.items()}
    return {
        each.symbol: (
            each.sums.count,
            each.low / 1e8,
            each.high / 1e8,
            each.sums.mean(),
            each.sums.stddev() or 0.0,
            outliers["sigma"](each.symbol),
            outliers["hampel"](each.symbol),
        )
        for each in report.figures
    }


def by_duckdb(folder: Path) -> Answer:
    import duckdb

    files = f"{folder}/flow=prices/*/*.parquet"
    prices = f"(select ts, symbol, price::double as price from read_parquet('{files}'))"  # noqa: S608
    with duckdb.connect() as connection:
        figures = connection.execute(
            "select symbol, count(*), min(price), max(price), avg(price), stddev_samp(price), "  # noqa: S608
            f"median(price), mad(price) from {prices} group by symbol"
        ).fetchall()
        answer = {}
        connection.execute("create table bounds (symbol text, a double, b double, c double, d double)")
        for symbol, _, _, _, mean, sd, middle, mad in figures:
            reach = 3 * 1.4826 * mad
            row = (symbol, mean - 3 * sd, mean + 3 * sd, middle - reach, middle + reach)
            connection.execute("insert into bounds values (?, ?, ?, ?, ?)", row)
        lists = [
            connection.execute(
                f"select ts, symbol, price from {prices} join bounds using (symbol) "  # noqa: S608
                f"where price < {low} or price > {high} order by ts"
            ).fetchall()
            for low, high in (("a", "b"), ("c", "d"))
        ]
    for symbol, *values, _, _ in figures:
        counts = [sum(row[1] == symbol for row in rows) for rows in lists]
        answer[symbol] = (*values, *counts)
    return answer


def by_polars(folder: Path) -> Answer:
    import polars as pl

    prices = pl.scan_parquet(f"{folder}/flow=prices/*/*.parquet").select(
        "ts", "symbol", pl.col("price").cast(pl.Float64)
    )
    price = pl.col("price")
    figures = (
        prices.group_by("symbol")
        .agg(
            count=pl.len(), least=price.min(), most=price.max(), mean=price.mean(), sd=price.std(),
            middle=price.median(), mad=(price - price.median()).abs().median(),
        )
        .collect()
    )  # fmt: skip
    joined = prices.join(figures.lazy(), on="symbol")
    sigma = joined.filter((price - pl.col("mean")).abs() > 3 * pl.col("sd"))
    hampel = joined.filter((price - pl.col("middle")).abs() > 3 * 1.4826 * pl.col("mad"))
    lists = [
        each.select("ts", "symbol", "price").sort("ts").collect()["symbol"].to_list()
        for each in (sigma, hampel)
    ]
    return {
        row["symbol"]: (
            row["count"], row["least"], row["most"], row["mean"], row["sd"],
            *(each.count(row["symbol"]) for each in lists),
        )
        for row in figures.to_dicts()
    }  # fmt: skip


def cpu_seconds() -> float:
    """The CPU time that this process and its children have used so far."""
    me = psutil.Process()
    times = [each.cpu_times() for each in (me, *me.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def stages(session: Any) -> dict[str, float]:
    """CPU seconds of Spark's tasks so far, by the line of ours that they ran for."""
    context = session.sparkContext
    jvm = context._jvm
    quantiles = context._gateway.new_array(jvm.double, 0)
    found = (
        context._jsc.sc().statusStore().stageList(None, False, False, quantiles, jvm.java.util.ArrayList())
    )
    spent: dict[str, float] = {}
    for stage in (found.apply(number) for number in range(found.size())):
        name = stage.name().rpartition("/")[2]
        spent[name] = spent.get(name, 0.0) + stage.executorCpuTime() / 1e9
    return spent


def same(one: Answer, other: Answer) -> None:
    """The same counts, and figures that are equal up to the doubles of the peers."""
    assert one.keys() == other.keys()
    for symbol, values in one.items():
        assert np.allclose(values, other[symbol], rtol=1e-9, atol=0), (symbol, values, other[symbol])


@lent.or_started("spark")
def spark(memory: str) -> Iterator[Any]:
    with spark_session("bench", SessionSettings(driver_memory=memory)) as session:
        yield session


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="1g", help="heap of Spark's driver")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-report-") as work:
        folder = Path(work)
        store = DiskStore(folder)
        spent = fill(store, options.rows)
        (held,) = store.describe()
        print(f"{held.rows:,} rows, {held.size / 1e6:.0f} MB in {held.files} files, written at "
              f"{held.rows / spent:,.0f} rows/s")  # fmt: skip
        started = time.perf_counter()
        with spark(options.memory) as session:
            print(f"Spark's start: {time.perf_counter() - started:.1f} s")
            ways: dict[str, Callable[[], Answer]] = {
                "spark": lambda: by_spark(session, folder),
                "duckdb": lambda: by_duckdb(folder),
                "polars": lambda: by_polars(folder),
            }
            clock: dict[str, list[float]] = {name: [] for name in ways}
            cpu: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(options.rounds):
                answers = {}
                for name, way in ways.items():
                    started, used = time.perf_counter(), cpu_seconds()
                    answers[name] = way()
                    clock[name].append(time.perf_counter() - started)
                    cpu[name].append(cpu_seconds() - used)
                    print(f"{name}: {clock[name][-1]:.1f} s, CPU {cpu[name][-1]:.1f} s", flush=True)
                same(answers["spark"], answers["duckdb"])
                same(answers["spark"], answers["polars"])
            spent = stages(session)
        for what, seconds in (("clock", clock), ("CPU", cpu)):
            base = median(seconds["spark"])
            for name, several in seconds.items():
                middle = median(several)
                print(f"{what:>5} {name:>7}: {middle:7.2f} s (first {several[0]:.2f} s), "
                      f"Spark / {name}: {base / middle:.2f}")  # fmt: skip
        print("where Spark's CPU time goes, s per round:")
        for name, several_seconds in sorted(spent.items(), key=lambda each: -each[1]):
            print(f"{several_seconds / options.rounds:8.2f}  {name}")
        rest = sum(cpu["spark"]) - sum(spent.values())
        print(f"{rest / options.rounds:8.2f}  the rest: compiling, garbage, and the outliers in Python")


if __name__ == "__main__":
    main()
