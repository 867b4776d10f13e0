"""The statistics of a window for each kind of record: Spark's aggregates, and the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spark_jobs.figures import UNITS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

Values = dict[str, Any]
"""count, mean, stddev, min and max."""


@dataclass(frozen=True)
class Adding:
    """How the values of one kind of record are aggregated.

    prepare: adds the columns that the aggregates need. aggregates: Spark's aggregates. finish: computes the
    Values from a row of aggregates.
    """

    prepare: Callable[[DataFrame], DataFrame]
    aggregates: Callable[[], list[Column]]
    finish: Callable[[Row], Values]


def double_figures() -> list[Column]:
    """Spark's aggregates of the column `value`, in doubles: count, mean, stddev, min and max."""
    from pyspark.sql import functions as F  # noqa: N812  Spark's own name for it

    return [
        F.count("value").alias("count"),
        F.avg("value").alias("mean"),
        F.stddev_samp("value").alias("stddev"),
        F.min("value").alias("min"),
        F.max("value").alias("max"),
    ]


def adding(kind: str) -> Adding:
    """Prices are summed exactly; measurements, which have no common unit, are summed as doubles."""
    from pyspark.sql import functions as F  # noqa: N812  Spark's own name for it

    from spark_jobs.summing import sums, sums_of, with_units

    if kind == "prices":
        return Adding(
            with_units,
            lambda: [*sums(F.lit(1)), F.min("unit").alias("least"), F.max("unit").alias("most")],
            lambda row: {
                "count": row["count"],
                "mean": sums_of(row).mean(),
                "stddev": sums_of(row).stddev(),
                "min": row["least"] / UNITS,
                "max": row["most"] / UNITS,
            },
        )
    return Adding(
        lambda records: records,
        double_figures,
        lambda row: {name: row[name] for name in ("count", "mean", "stddev", "min", "max")},
    )
