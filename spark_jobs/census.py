"""Statistics of a static data set by group: the batch job on the census."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kafka_topic.contracts import CensusValue
from kafka_topic.errors import ContractError
from spark_jobs.errors import SourceError
from spark_jobs.kafka import extent_of, read_extent
from spark_jobs.windows import double_figures
from stores.base import Batch, Row, Store
from stores.tables import GROUPS, Flow

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = "version: string, group: string, name: string, value: double, unit: string, problem: string"


@dataclass(frozen=True)
class Groups:
    """The result. read: one line for each partition. version: of the data set. rows: as in GROUPS."""

    read: list[str]
    version: str
    rows: list[Row]


def census_groups(session: SparkSession, bootstrap_servers: str, topic: str) -> Groups:
    """The statistics of the newest version of the data set in the topic.

    Raises SourceError if the topic is missing, holds no data set or a record that breaks its contract.
    """
    from pyspark.sql import functions as F  # noqa: N812  Spark's own name for it

    extent = extent_of(bootstrap_servers, [topic])
    read = F.udf(_values, f"struct<{_TYPES}>", useArrow=False)
    records = read_extent(session, bootstrap_servers, extent).select(
        F.unix_millis("timestamp").alias("millis"), "partition", "offset", read("value").alias("record")
    ).select("millis", "partition", "offset", "record.*").cache()  # fmt: skip
    try:
        broken = records.where("problem is not null").orderBy("partition", "offset").first()
        if broken is not None:
            where = f"partition {broken['partition']}, offset {broken['offset']}"
            raise SourceError(f"topic {topic}, {where}: {broken['problem']}")
        # The version that was loaded last; a version is loaded as a whole.
        newest = records.groupBy("version").agg(F.max("millis").alias("at")).orderBy(F.desc("at")).first()
        if newest is None:
            raise SourceError(f"topic {topic} holds no data set; `pipectl run census` loads it")
        rows = (
            records.where(F.col("version") == newest["version"])
            .groupBy("name", "group", "unit")
            .agg(*double_figures())
            .orderBy("name", "group")
            .collect()
        )
    finally:
        records.unpersist()
    ts = _EPOCH + timedelta(milliseconds=newest["at"])
    return Groups(extent.lines(), newest["version"], [{**row.asDict(), "ts": ts} for row in rows])


def store_groups(groups: Groups, flow: str, stores: Sequence[Store]) -> None:
    """Write the result to each store. The same version from the same topic is written once."""
    ts: datetime = groups.rows[0]["ts"]
    writer = f"census-{groups.version}-{(ts - _EPOCH) // timedelta(milliseconds=1)}"
    columns = {name: [row[name] for row in groups.rows] for name in GROUPS.names}
    for store in stores:
        store.write(Flow(flow, GROUPS), Batch(writer, 0), columns)


def groups_table(groups: Groups) -> str:
    """The result as text."""
    lines = [*groups.read, f"data set version {groups.version}", ""]
    lines.append(
        f"{'NAME':<12}{'GROUP':<12}{'COUNT':>6}{'MEAN':>12}{'STDDEV':>12}{'MIN':>10}{'MAX':>10}  UNIT"
    )
    for row in groups.rows:
        stddev = "-" if row["stddev"] is None else f"{row['stddev']:.6f}"
        lines.append(
            f"{row['name']:<12}{row['group']:<12}{row['count']:>6}{row['mean']:>12.6f}{stddev:>12}"
            f"{row['min']:>10g}{row['max']:>10g}  {row['unit']}"
        )
    return "\n".join(lines)


def _values(data: bytes | None) -> tuple[Any, ...]:
    try:
        value = CensusValue.from_json(bytes(data or b""))
    except ContractError as error:
        return None, None, None, None, None, str(error)
    return value.version, value.group, value.name, value.value, value.unit, None
