"""The contract of `position.<SYMBOL>`: one tick.

It accepts what the gatherer accepts: the generator's encoder, this module and the gatherer's reader are
tested with the same records, `tests/price_records.json`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from kafka_topic.contracts import fields

_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,9})?", re.ASCII)
_UNIT = Decimal("1e-8")
_BEYOND = Decimal(10**9)
_LONGEST_NUMBER = 1000
_CONSTANTS = ("NaN", "Infinity", "-Infinity")


@dataclass(frozen=True)
class Price:
    """One tick of a position.

    ts: event time, UTC, truncated to the millisecond, in the years 2000 to 2049. symbol: the position. price:
    currency units of the instrument, rounded half up to 8 decimals, at least 1e-8 and below 1e9. The
    constructor raises ContractError for other values.
    """

    ts: datetime
    symbol: str
    price: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "ts", fields.event_time("ts", self.ts))
        fields.symbol(self.symbol)
        object.__setattr__(self, "price", _rounded(self.price))

    def to_json(self) -> bytes:
        """The record's bytes. The price has two decimals, or more where it needs them."""
        text = f"{self.price:.2f}"
        if float(text) != self.price:
            text = repr(self.price)
        ts = fields.format_time(self.ts)
        return f'{{"ts": "{ts}", "symbol": "{self.symbol}", "price": {text}}}'.encode()

    @classmethod
    def from_json(cls, data: bytes, topic_symbol: str | None = None) -> Price:
        """Read a record; raises ContractError naming the field and its value.

        topic_symbol: the symbol that the record must have, that of its topic; None accepts any.
        """
        record = fields.json_object(data, number=_decimal)
        ts, symbol = _time(fields.get(record, "ts")), fields.get(record, "symbol")
        if topic_symbol is not None and symbol != topic_symbol:
            raise fields.refused("symbol", symbol, f"must be that of the topic, {topic_symbol}")
        return cls(ts, symbol, fields.get(record, "price"))


def _time(value: object) -> datetime:
    """Read a time; the first three decimals of a second count."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError:
            pass  # such as 30 February; refused below
    raise fields.refused("ts", value, 'must be a UTC time such as "2026-11-22 01:02:03.004"')


def _decimal(text: str) -> Decimal:
    """A JSON number, exact: its digits decide whether 0.000000005 rounds up, not those of a float."""
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number of more than {_LONGEST_NUMBER} characters")
    if text in _CONSTANTS:
        raise ValueError(f"{text} is not JSON")
    try:
        return Decimal(text)
    except InvalidOperation:
        # The exponent is out of bounds. That is not a price; in another field it does not matter.
        return Decimal("NaN")


def _rounded(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise fields.refused("price", value, "must be a number")
    # The shortest decimal that reads as this float is the one that was written.
    exact = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise fields.refused("price", value, "must be finite")
    if exact <= 0:
        raise fields.refused("price", value, "must be above 0")
    rounded = exact.quantize(_UNIT, ROUND_HALF_UP) if exact < _BEYOND else _BEYOND
    if rounded >= _BEYOND:
        raise fields.refused("price", value, "must be below 1e9")
    if not rounded:
        raise fields.refused("price", value, "must be at least 1e-8")
    return float(rounded)
