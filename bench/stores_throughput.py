"""Rows per second of the stores, against the drivers' own bulk path on the same node and disk.

python bench/stores_throughput.py [--rows 200000]

Prints the rates and their ratios, by the clock and by the CPU time of this process: on a busy machine, the
clock says little. The bulk path is `execute_concurrent_with_args` with single rows for Cassandra, and one
`pyarrow.parquet.write_table` of all rows for the disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import broker  # noqa: F401 - first: it lets the next ones be found
import lent
import pyarrow.parquet as pq
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import RoundRobinPolicy

from stores.base import Batch
from stores.cassandra import CassandraStore
from stores.cql import address_of, bucket_of, table_of
from stores.disk import DiskStore
from stores.parquet import arrow_of
from stores.tables import PRICES, Flow
from tests.cassandra_node import CassandraNode
from tests.ports import free_ports

START = datetime(2026, 11, 22, tzinfo=UTC)
BATCH = 10_000
Spent = tuple[float, float]


def rows(begin: int, end: int) -> dict[str, list[Any]]:
    """A batch: 200 prices a second."""
    offsets = range(begin, end)
    return {
        "ts": [START + timedelta(milliseconds=5 * offset) for offset in offsets],
        "symbol": [("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")[offset % 5] for offset in offsets],
        "price": [Decimal(offset % 10_000) / 100 + 1 for offset in offsets],
        "topic": ["prices"] * len(offsets),
        "partition": [offset % 3 for offset in offsets],
        "offset": list(offsets),
    }


@lent.or_started("cassandra")
def cassandra(folder: Path) -> Iterator[CassandraNode]:
    port, api = free_ports(2)
    with CassandraNode(folder, port, api) as node:
        yield node


def spent(work: Callable[[], None]) -> Spent:
    """How long it takes by the clock, and its CPU time in this process, seconds."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cpu


def main() -> None:
    """Measure each path three times, in turn, and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    total = parser.parse_args().rows
    batches = [rows(begin, min(begin + BATCH, total)) for begin in range(0, total, BATCH)]
    with tempfile.TemporaryDirectory() as folder:
        with cassandra(Path(folder)) as node:
            found = measure(node.port, node.environ, node.address("bench"), batches)
        found |= on_disk(Path(folder), batches)
    for at, what in enumerate(("clock", "CPU")):
        middle = {name: sorted(each[at] for each in several)[1] for name, several in found.items()}
        for name, seconds in middle.items():
            print(f"{what:>5}  {name:<20}{total / seconds:>12,.0f} rows/s")
        for store, bulk in (("cassandra: store", "cassandra: driver"), ("disk: store", "disk: pyarrow")):
            print(f"{what:>5}  {store} / {bulk}: {middle[bulk] / middle[store]:.2f}")


def measure(
    port: int, environ: Mapping[str, str], address: str, batches: list[dict[str, list[Any]]]
) -> dict[str, list[Spent]]:
    """Both paths into one node, each into tables of its own."""
    found = address_of(address.partition(":")[2], environ)
    store = CassandraStore(found)
    profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy())
    cluster = Cluster(
        ["127.0.0.1"], port=port, auth_provider=PlainTextAuthProvider("cassandra", found.login.password),
        ssl_context=found.login.tls(),
        execution_profiles={EXEC_PROFILE_DEFAULT: profile}, protocol_version=5,
    )  # fmt: skip
    session = cluster.connect()
    took: dict[str, list[Spent]] = {"cassandra: store": [], "cassandra: driver": []}
    for turn in range(3):
        flow, own = Flow(f"prices{turn}", PRICES), Flow(f"driver{turn}", PRICES)
        # The tables are made first.
        store.write(flow, Batch("w", 0), batches[0])
        store.write(own, Batch("w", 0), batches[0])
        names = ", ".join(f'"{name}"' for name in ("bucket", *PRICES.names))
        insert = session.prepare(
            f"INSERT INTO bench.{table_of(own.name)} ({names}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        )

        def by_store(flow: Flow = flow) -> None:
            for number, columns in enumerate(batches):
                store.write(flow, Batch("w", number), columns)

        def by_driver(insert: Any = insert) -> None:
            for columns in batches:
                values = [columns[name] for name in PRICES.names]
                each = [(bucket_of(row[0]), *row) for row in zip(*values, strict=True)]
                execute_concurrent_with_args(session, insert, each, concurrency=64, raise_on_first_error=True)

        for name, work in (("cassandra: store", by_store), ("cassandra: driver", by_driver)):
            took[name].append(spent(work))
    cluster.shutdown()
    store.close()
    return took


def on_disk(folder: Path, batches: list[dict[str, list[Any]]]) -> dict[str, list[Spent]]:
    """The store batch by batch, with its merges, and one file of all rows at once."""
    took: dict[str, list[Spent]] = {"disk: store": [], "disk: pyarrow": []}
    for turn in range(3):
        store, flow = DiskStore(folder / f"store{turn}"), Flow("prices", PRICES)

        def by_store(store: DiskStore = store, flow: Flow = flow) -> None:
            for number, columns in enumerate(batches):
                store.write(flow, Batch("w", number), columns)

        def by_pyarrow(turn: int = turn, flow: Flow = flow) -> None:
            whole = {name: [value for each in batches for value in each[name]] for name in PRICES.names}
            pq.write_table(arrow_of(flow, whole), folder / f"{turn}.parquet", compression="zstd")

        for name, work in (("disk: store", by_store), ("disk: pyarrow", by_pyarrow)):
            took[name].append(spent(work))
    return took


if __name__ == "__main__":
    main()
