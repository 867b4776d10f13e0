"""One tick, as it stands on `position.<SYMBOL>`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kafka_topic.contracts import fields


@dataclass(frozen=True)
class Price:
    """One tick of a position.

    ts: event time, UTC, cut to the millisecond. symbol: the position. price: currency units of the
    instrument, finite and above 0. Building one with anything else raises ContractError.
    """

    ts: datetime
    symbol: str
    price: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "ts", fields.time("ts", self.ts))
        fields.symbol(self.symbol)
        fields.positive("price", self.price)

    def to_json(self) -> bytes:
        """The record's bytes: two digits after the point, more only where the price has more."""
        text = f"{self.price:.2f}"
        if float(text) != self.price:
            text = repr(float(self.price))
        ts = fields.format_time(self.ts)
        return f'{{"ts": "{ts}", "symbol": "{self.symbol}", "price": {text}}}'.encode()

    @classmethod
    def from_json(cls, data: bytes) -> Price:
        """Read a record; raises ContractError naming the field and its value."""
        record = fields.json_object(data)
        return cls(
            ts=fields.parse_time("ts", fields.get(record, "ts")),
            symbol=fields.get(record, "symbol"),
            price=fields.number("price", fields.get(record, "price")),
        )
