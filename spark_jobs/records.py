"""Kafka records as rows, parsed by the contracts of `kafka_topic`, so Spark has no rules of its own.

A record that breaks its contract becomes a row with a `problem`. No record is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kafka_topic.errors import ContractError
from stores import records
from stores.records import ORIGIN
from stores.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

PRICE_TYPE = "decimal(17, 8)"
"""Prices are exact: eight decimals, below 1e9, as in the contract."""


@dataclass(frozen=True)
class Kind:
    """One kind of record.

    table: its table in a store. types: the Spark types of the table's columns except ORIGIN; times are
    milliseconds since 1970. read: parses a record's bytes into the values of these columns; raises
    ContractError.
    """

    table: Table
    types: dict[str, str]
    read: Callable[[bytes], tuple[Any, ...]]


def _kind(name: str, types: dict[str, str]) -> Kind:
    kind = records.KINDS[name]

    def read(value: bytes) -> tuple[Any, ...]:
        return tuple(_millis(each) if isinstance(each, datetime) else each for each in kind.read(value))

    return Kind(kind.table, types, read)


def _millis(time: datetime) -> int:
    # Integer arithmetic, because rounding a float could be off by a millisecond.
    return int(time.timestamp()) * 1000 + time.microsecond // 1000


KINDS = {
    "prices": _kind("prices", {"ts": "long", "symbol": "string", "price": PRICE_TYPE}),
    "measurements": _kind(
        "measurements",
        {"ts": "long", "name": "string", "value": "double", "unit": "string", "host": "string"},
    ),
}
"""By the name of the contract."""


def parsed(frame: DataFrame, kind: Kind, ahead: timedelta | None = None) -> DataFrame:
    """Kafka records with the columns of the kind, ORIGIN, and `problem`, which is null for valid records.

    ahead: how far a record's time may be after its Kafka timestamp; None: any time is valid.
    """
    from pyspark.sql import functions as F  # noqa: N812  Spark's own name for it

    read, nothing = kind.read, (None,) * len(kind.types)

    limit = None if ahead is None else ahead // timedelta(milliseconds=1)

    def row(value: bytes | None, written: int) -> tuple[Any, ...]:
        try:
            found = read(bytes(value or b""))
        except ContractError as error:
            return (*nothing, str(error))
        if limit is not None and found[0] > written + limit:
            return (*nothing, f"field 'ts' is {(found[0] - written) / 1000:.0f} s after the Kafka timestamp")
        return (*found, None)

    struct = ", ".join(f"{name}: {type_}" for name, type_ in {**kind.types, "problem": "string"}.items())
    return frame.select(
        *ORIGIN[:1], *(F.col(name).cast("long").alias(name) for name in ORIGIN[1:]),
        F.udf(row, f"struct<{struct}>", useArrow=False)("value", F.unix_millis("timestamp")).alias("record"),
    ).select("record.*", *ORIGIN)  # fmt: skip
