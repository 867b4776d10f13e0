"""Exact sums of prices in Spark. Memory does not grow with the number of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812  Spark's own name for it

from spark_jobs.figures import SPLIT, UNITS, Figures, Method, Sums, price_of
from spark_jobs.records import PRICE_TYPE

if TYPE_CHECKING:
    from pyspark.sql import Row

# Counts and products of halves are integers of up to 19 digits. Their sums fit 38 digits; Spark fails on
# overflow.
_EXACT = "decimal(19, 0)"
SUMS = tuple(field.name for field in fields(Sums))


def with_units(prices: DataFrame) -> DataFrame:
    """Adds the columns `unit` (the price in units), and `upper` and `lower` (its upper and lower digits)."""
    return (
        prices.withColumn("unit", (F.col("price") * F.lit(UNITS)).cast("long"))
        .withColumn("upper", F.expr(f"unit div {SPLIT}"))
        .withColumn("lower", F.expr(f"unit % {SPLIT}"))
    )


def sums(count: Column) -> list[Column]:
    """The aggregates SUMS over `with_units`, where each row stands for `count` prices."""
    products = ("unit", "upper * upper", "upper * lower", "lower * lower")
    added = [F.sum(F.expr(f"cast({product} as {_EXACT})") * count.cast(_EXACT)) for product in products]
    return [each.alias(name) for each, name in zip([F.sum(count), *added], SUMS, strict=True)]


def sums_of(row: Row) -> Sums:
    """The Sums of a row of these aggregates."""
    return Sums(*(int(row[name]) for name in SUMS))


def figures_of(prices: DataFrame) -> list[Figures]:
    """The statistics of each symbol, sorted by symbol, from rows with `symbol` and `price`.

    Equal prices are counted first, so later steps see each price of a symbol once. Sorting spills to disk, so
    no symbol must fit into memory.
    """
    counted = prices.groupBy("symbol", "price").agg(F.count("*").alias("n"))
    counted = with_units(counted).persist()
    try:
        added = {row["symbol"]: row for row in _added(counted).collect()}
        medians = _twice_the_median(counted, "unit")
        twice = F.broadcast(medians.withColumnRenamed("twice", "median2"))
        away = counted.join(twice, "symbol").withColumn("away", F.abs(2 * F.col("unit") - F.col("median2")))
        away = away.groupBy("symbol", "away").agg(F.sum("n").alias("n"))
        deviations = {row["symbol"]: row["twice"] for row in _twice_the_median(away, "away").collect()}
        median2 = {row["symbol"]: row["twice"] for row in medians.collect()}
    finally:
        counted.unpersist()
    return [
        Figures(symbol, sums_of(row), row["least"], row["most"], median2[symbol], deviations[symbol])
        for symbol, row in sorted(added.items())
    ]


def outside(prices: DataFrame, figures: Sequence[Figures], methods: Sequence[Method]) -> DataFrame:
    """The outliers by any of the methods, with a boolean column for each method."""
    # Bounds are prices, so prices from a file need no conversion.
    bounds = [f"{method}_{end}" for method in methods for end in ("low", "high")]
    rows = [
        (each.symbol, *(price_of(end) for method in methods for end in each.inside(method)))
        for each in figures
    ]
    types = ", ".join(f"{name} {PRICE_TYPE}" for name in bounds)
    known = prices.sparkSession.createDataFrame(rows, f"symbol string, {types}")
    joined = prices.join(F.broadcast(known), "symbol")
    price = F.col("price")
    for method in methods:
        beyond = (price < F.col(f"{method}_low")) | (price > F.col(f"{method}_high"))
        joined = joined.withColumn(method, beyond)
    return joined.where(reduce(Column.__or__, map(F.col, methods))).drop(*bounds)


def _added(counted: DataFrame) -> DataFrame:
    ends = (F.min("unit").alias("least"), F.max("unit").alias("most"))
    return counted.groupBy("symbol").agg(*sums(F.col("n")), *ends)


def _twice_the_median(counted: DataFrame, name: str) -> DataFrame:
    """By symbol, `twice`: the sum of a column's two middle values, where a row stands for `n` values."""
    symbol = Window.partitionBy("symbol")
    upto = symbol.orderBy(name).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    ranked = counted.select(
        "symbol",
        F.col(name).alias("value"),
        F.sum("n").over(upto).alias("rank"),
        F.col("n"),
        F.sum("n").over(symbol).alias("size"),
    )
    middles = [F.expr("(size + 1) div 2"), F.expr("size div 2 + 1")]
    found = [
        F.max(F.when((F.col("rank") >= at) & (F.col("rank") - F.col("n") < at), F.col("value")))
        for at in middles
    ]
    return ranked.groupBy("symbol").agg((found[0] + found[1]).alias("twice"))
