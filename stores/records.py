"""Kafka records as rows of the tables, parsed by the contracts of `kafka_topic`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kafka_topic.contracts import Measurement, MovingAverage, Price, Signal
from stores.tables import MEASUREMENTS, MOVING_AVERAGE, PRICES, SIGNALS, Table

ORIGIN = ("topic", "partition", "offset")
"""The columns of a table that say where a record is. They are the last ones."""


@dataclass(frozen=True)
class Kind:
    """One kind of record.

    read: parses a record's bytes into the values of the table's columns except ORIGIN, in their order; raises
    ContractError.
    """

    table: Table
    read: Callable[[bytes], tuple[Any, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that `read` fills."""
        return tuple(name for name in self.table.names if name not in ORIGIN)

    def row(self, value: bytes, topic: str, partition: int, offset: int) -> tuple[Any, ...]:
        """All columns of a record. Raises ContractError."""
        origin = (topic, partition, offset) if ORIGIN[0] in self.table.names else ()
        return (*self.read(value), *origin)


def _price(value: bytes) -> tuple[Any, ...]:
    price = Price.from_json(value)
    # The shortest decimal that equals this float is the one that was written.
    return price.ts, price.symbol, Decimal(repr(price.price))


def _reader(contract: Any, table: Table) -> Callable[[bytes], tuple[Any, ...]]:
    """Reads a contract whose fields have the names of the columns."""
    names = tuple(name for name in table.names if name not in ORIGIN)

    def read(value: bytes) -> tuple[Any, ...]:
        record = contract.from_json(value)
        return tuple(getattr(record, name) for name in names)

    return read


KINDS = {
    "prices": Kind(PRICES, _price),
    "measurements": Kind(MEASUREMENTS, _reader(Measurement, MEASUREMENTS)),
    "movingaverage": Kind(MOVING_AVERAGE, _reader(MovingAverage, MOVING_AVERAGE)),
    "signals": Kind(SIGNALS, _reader(Signal, SIGNALS)),
}
"""By the name of the contract."""
