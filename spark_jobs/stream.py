"""Storing topics as they are written: the records and windowed statistics, by Structured Streaming.

Each query continues from its checkpoint. After a crash, Spark repeats the last batch with the same number and
the same rows, and the store ignores a batch that it has. So every record and window is stored exactly once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka_topic.windows import window_label
from spark_jobs.errors import CheckpointError
from spark_jobs.kafka import extent_of, reading
from spark_jobs.records import KINDS, Kind, parsed
from spark_jobs.windows import adding
from stores.base import Batch, Store
from stores.records import ORIGIN
from stores.tables import STATISTICS, Flow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class StreamSettings:
    """The settings of one flow.

    flow: its name in the store; the statistics are the flow "<flow>-statistics". kind: one of KINDS. topics:
    the sources, read from their beginning. window: the length of the windows, which do not overlap. delay:
    how far event times may be out of order; a later record counts in no window. checkpoints: a folder, which
    belongs to the store. most: the maximum number of records in a batch. interval: the time between the
    starts of two batches.
    """

    bootstrap_servers: str
    flow: str
    kind: str
    topics: tuple[str, ...]
    window: timedelta
    delay: timedelta
    checkpoints: Path
    most: int = 100_000
    interval: timedelta = timedelta(seconds=1)


def start(
    session: SparkSession, store: Store, settings: StreamSettings, *, once: bool
) -> list[StreamingQuery]:
    """Start the flow's queries. once: they end when the current content of the topics is stored.

    Raises SourceError if a topic does not exist, and CheckpointError.
    """
    extent_of(settings.bootstrap_servers, settings.topics)  # raises if a topic is missing
    kind = KINDS[settings.kind]
    return [_start(_Query(session, store, settings, kind), name, once) for name in ("records", "statistics")]


@dataclass(frozen=True)
class _Query:
    """The inputs of both queries of a flow."""

    session: SparkSession
    store: Store
    settings: StreamSettings
    kind: Kind

    def records(self) -> DataFrame:
        """The stream of records, with their problems."""
        source = self.session.readStream.format("kafka").options(
            **reading(self.settings.bootstrap_servers),
            subscribe=",".join(self.settings.topics),
            startingOffsets="earliest",
            maxOffsetsPerTrigger=str(self.settings.most),
        )
        # A record from the future would move the watermark, and all records until then would be late.
        return parsed(source.load(), self.kind, _MAX_CLOCK_SKEW)


def _start(query: _Query, name: str, once: bool) -> StreamingQuery:
    settings = query.settings
    frame, flow, columns = _PARTS[name](query)
    title = f"{settings.flow}-{name}"
    checkpoint = settings.checkpoints / title
    _check(query.store, flow, title, checkpoint)

    def write(rows: DataFrame, number: int) -> None:
        if found := rows.collect():
            query.store.write(flow, Batch(_writer(title, checkpoint), number), columns(found))

    writer = frame.writeStream.queryName(title).outputMode("append").foreachBatch(write)
    writer = writer.option("checkpointLocation", str(checkpoint))
    if once:
        return writer.trigger(availableNow=True).start()
    length = f"{settings.interval // timedelta(milliseconds=1)} milliseconds"
    return writer.trigger(processingTime=length).start()


def _records(query: _Query) -> tuple[DataFrame, Flow, Callable[[Sequence[Row]], dict[str, list[Any]]]]:
    table = query.kind.table
    frame = _counted(query.records()).where("problem is null").drop("problem")

    def columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
        found = {name: [row[name] for row in rows] for name in table.names}
        found[table.time] = [_time(millis) for millis in found[table.time]]
        return found

    return frame, Flow(query.settings.flow, table), columns


def _statistics(query: _Query) -> tuple[DataFrame, Flow, Callable[[Sequence[Row]], dict[str, list[Any]]]]:
    from pyspark.sql import functions as F  # noqa: N812  Spark's own name for it

    settings, table = query.settings, query.kind.table
    how = adding(settings.kind)
    good = query.records().where("problem is null")
    timed = how.prepare(good).withColumn("time", F.timestamp_millis(table.time))
    length = f"{settings.window // timedelta(milliseconds=1)} milliseconds"
    frame = (
        timed.withWatermark("time", f"{settings.delay // timedelta(milliseconds=1)} milliseconds")
        .groupBy(F.window("time", length).alias("span"), F.col(table.name).alias("name"))
        .agg(*how.aggregates())
        .withColumn("start", F.unix_millis("span.start"))
        .drop("span")
    )
    label = window_label(settings.window)

    def columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
        values = [how.finish(row) for row in rows]
        starts = [_time(row["start"]) for row in rows]
        return {
            "name": [row["name"] for row in rows],
            "window": [label] * len(rows),
            "window_start": starts,
            "window_end": [start + settings.window for start in starts],
            **{name: [each[name] for each in values] for name in ("count", "mean", "stddev", "min", "max")},
        }

    return frame, Flow(f"{settings.flow}-statistics", STATISTICS), columns


_PARTS = {"records": _records, "statistics": _statistics}


def _counted(records: DataFrame) -> DataFrame:
    """Lets Spark count the records of each batch and those with a problem, and keep one example."""
    from pyspark.sql import functions as F  # noqa: N812  Spark's own name for it

    origin = F.concat_ws(", ", *ORIGIN)
    problem = F.when(F.col("problem").isNotNull(), F.concat(origin, F.lit(": "), "problem"))
    return records.observe(
        "records",
        F.count(F.lit(1)).alias("all"),
        F.count(problem).alias("broken"),
        F.min(problem).alias("such_as"),
    )


def _check(store: Store, flow: Flow, title: str, checkpoint: Path) -> None:
    """Check that the store holds no batches of this query that another checkpoint wrote."""
    mine = {each for each in store.writers(flow.name) if each.startswith(f"{title}-")}
    try:
        strangers = mine - {_writer(title, checkpoint)}
    except FileNotFoundError:
        strangers = mine
    if strangers:
        raise CheckpointError(
            f"the store holds batches of {min(strangers)} in the flow {flow.name}, but its checkpoint is not "
            f"in {checkpoint}: the stream would store them again; restore the checkpoint, or remove the flow "
            "from the store"
        )


def _writer(title: str, checkpoint: Path) -> str:
    """The writer: the query and the id of its checkpoint, since a new checkpoint restarts batch numbers."""
    identity: str = json.loads((checkpoint / "metadata").read_text())["id"]
    return f"{title}-{identity[:8]}"


def _time(millis: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=millis)
