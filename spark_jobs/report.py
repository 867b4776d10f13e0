"""The report on prices: their number, and the statistics and outliers of each symbol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka_topic.contracts import format_time
from spark_jobs.errors import SourceError
from spark_jobs.figures import Figures, Method
from spark_jobs.kafka import extent_of, read_extent
from spark_jobs.merging import read_while_merging
from spark_jobs.records import KINDS, parsed
from spark_jobs.summing import figures_of, outside
from stores.disk import DiskStore
from stores.errors import AddressError
from stores.opening import open_store
from stores.records import ORIGIN

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

METHODS: dict[Method, str] = {
    "sigma": "more than 3 standard deviations from the mean of the symbol",
    "hampel": "more than 3 times 1.4826 MAD from the median of the symbol",
}
"""The definition of an outlier for each method."""
_NAMED = 20


@dataclass(frozen=True)
class Outlier:
    """One outlier."""

    ts: str
    symbol: str
    price: Decimal


@dataclass(frozen=True)
class Report:
    """The content of the report.

    read: one line for each source that was read. messages: their number, including invalid ones. broken: the
    number of invalid ones. broken_named: the offset and the error of the first of these.
    """

    read: list[str]
    messages: int
    broken: int
    broken_named: list[str]
    figures: list[Figures]
    outliers: dict[Method, list[Outlier]]


def report_on_topics(
    session: SparkSession, bootstrap_servers: str, topics: Sequence[str], methods: Sequence[Method]
) -> Report:
    """Report on all current records of the topics. Raises SourceError."""
    from pyspark.storagelevel import StorageLevel

    extent = extent_of(bootstrap_servers, topics)
    records = parsed(read_extent(session, bootstrap_servers, extent), KINDS["prices"])
    # Read and parse once; spill to disk if memory is too small.
    records = records.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        broken = records.where("problem is not null")
        named = broken.orderBy("topic", "partition", "offset").limit(_NAMED).collect()
        return _report(
            extent.lines(),
            records.where("problem is null"),
            methods,
            broken=broken.count(),
            named=[
                f"{row['topic']}, partition {row['partition']}, offset {row['offset']}: {row['problem']}"
                for row in named
            ],
        )
    finally:
        records.unpersist()


def report_on_disk(session: SparkSession, address: str, flow: str, methods: Sequence[Method]) -> Report:
    """Report on all current prices of a flow in the store disk:FOLDER. Raises SourceError, AddressError."""
    from pyspark.sql import functions as F  # noqa: N812  Spark's own name for it

    store = open_store(address)
    if not isinstance(store, DiskStore):
        raise AddressError(f"store {address!r} is not on disk; use disk:FOLDER")

    def read(files: Sequence[Path]) -> Report:
        if not files:
            raise SourceError(
                f"{address} holds no flow {flow!r}; `python -m stores {address}` lists the flows"
            )
        prices = session.read.parquet(*map(str, files)).withColumn("ts", F.unix_millis("ts"))
        return _report([f"{address}, flow {flow}: {len(files)} files"], prices, methods)

    return read_while_merging(partial(store.files, flow), read)


def _report(
    read: list[str],
    prices: DataFrame,
    methods: Sequence[Method],
    broken: int = 0,
    named: Sequence[str] = (),
) -> Report:
    figures = figures_of(prices)
    messages = sum(each.sums.count for each in figures) + broken
    found = sorted(outside(prices, figures, methods).collect(), key=_order) if figures else []
    outliers = {method: [_outlier(row) for row in found if row[method]] for method in methods}
    return Report(read, messages, broken, list(named), figures, outliers)


def _order(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("ts", "symbol", "price", *ORIGIN))


def _outlier(row: Row) -> Outlier:
    seconds, millis = divmod(row["ts"], 1000)
    time = datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1000)
    return Outlier(format_time(time), row["symbol"], row["price"])
