"""The tables: one for each contract, and one for the statistics that jobs compute from a flow.

A table is independent of the backend, which maps each kind of column to its own type. Records that may be
equal but must both count, such as ticks, are distinguished by topic, partition and offset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kafka_topic.statistics import FIELDS

Kind = Literal["time", "text", "whole", "number", "price"]
"""time: UTC, milliseconds. whole: 64 bits. number: a double. price: exact, eight decimals, below 1e9."""


@dataclass(frozen=True)
class Column:
    """A column; `optional` ones may be null."""

    name: str
    kind: Kind
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """The columns of one kind of record.

    name: the column with the subject of a record, which most queries filter by. time: the column that assigns
    a record to a day. key: the columns that identify a record.
    """

    columns: tuple[Column, ...]
    name: str
    time: str
    key: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Flow:
    """Records that are stored together under one name, such as `prices`."""

    name: str
    table: Table


_PLACE = (Column("topic", "text"), Column("partition", "whole"), Column("offset", "whole"))
_PLACE_KEY = ("topic", "partition", "offset")

PRICES = Table(
    (Column("ts", "time"), Column("symbol", "text"), Column("price", "price"), *_PLACE),
    name="symbol",
    time="ts",
    key=_PLACE_KEY,
)
MEASUREMENTS = Table(
    (
        Column("ts", "time"),
        Column("name", "text"),
        Column("value", "number"),
        Column("unit", "text"),
        Column("host", "text"),
        *_PLACE,
    ),
    name="name",
    time="ts",
    key=_PLACE_KEY,
)
MOVING_AVERAGE = Table(
    (
        Column("symbol", "text"),
        Column("window", "text"),
        Column("window_start", "time"),
        Column("window_end", "time"),
        Column("count", "whole"),
        *(Column(name, "number") for name in ("last", "min", "max", "mean")),
        Column("stddev", "number", optional=True),
        Column("cv", "number", optional=True),
        *(Column(name, "number", optional=True) for name in FIELDS),
    ),
    name="symbol",
    time="window_end",
    key=("symbol", "window", "window_end"),
)
SIGNALS = Table(
    (
        Column("kind", "text"),
        Column("event", "text"),
        Column("symbol", "text"),
        Column("time", "time"),
        Column("window", "text", optional=True),
        Column("side", "text", optional=True),
        Column("price", "number"),
        *(
            Column(name, "number", optional=True)
            for name in ("value", "threshold", "probability", "horizon_seconds", "lead_seconds")
        ),
        Column("reason", "text"),
        *_PLACE,
    ),
    name="symbol",
    time="time",
    key=_PLACE_KEY,
)
_FIGURES = (
    Column("count", "whole"),
    Column("mean", "number"),
    Column("stddev", "number", optional=True),
    Column("min", "number"),
    Column("max", "number"),
)
STATISTICS = Table(
    (
        Column("name", "text"),
        Column("window", "text"),
        Column("window_start", "time"),
        Column("window_end", "time"),
        *_FIGURES,
    ),
    name="name",
    time="window_end",
    key=("name", "window", "window_end"),
)
"""The statistics of each name over each window; stddev is the sample's, null if count < 2."""
GROUPS = Table(
    (
        Column("ts", "time"),
        Column("name", "text"),
        Column("group", "text"),
        Column("unit", "text"),
        *_FIGURES,
    ),
    name="name",
    time="ts",
    key=("name", "group", "ts"),
)
"""The statistics of each quantity (`name`) over each group of a data set; ts: when the data set was loaded.

A later version of the data set adds rows with a later ts, so the rows with the latest ts are current.
"""
TABLES = {
    "prices": PRICES,
    "measurements": MEASUREMENTS,
    "movingaverage": MOVING_AVERAGE,
    "signals": SIGNALS,
    "statistics": STATISTICS,
    "groups": GROUPS,
}
"""By name."""
