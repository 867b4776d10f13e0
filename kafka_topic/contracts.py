"""The records that flow, and their JSON form: one UTF-8 object a record, the record's key is the symbol.

Times are UTC with milliseconds, written "2026-11-22 01:02:03.004". Reading is strict about the fields named
here and ignores others, because records gain fields in time and none is ever renamed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kafka_topic.errors import ContractError, SymbolError
from kafka_topic.names import check_symbol

_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}", re.ASCII)


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
        object.__setattr__(self, "ts", _checked_time("ts", self.ts))
        _check_symbol_field(self.symbol)
        if _checked_number("price", self.price) <= 0:
            raise _refused("price", self.price, "must be above 0")

    def to_json(self) -> bytes:
        """The record's bytes: two digits after the point, more only where the price has more."""
        text = f"{self.price:.2f}"
        if float(text) != self.price:
            text = repr(float(self.price))
        return f'{{"ts": "{format_time(self.ts)}", "symbol": "{self.symbol}", "price": {text}}}'.encode()

    @classmethod
    def from_json(cls, data: bytes) -> Price:
        """Read a record; raises ContractError naming the field and its value."""
        fields = _object(data)
        return cls(
            ts=parse_time("ts", _get(fields, "ts")),
            symbol=_get(fields, "symbol"),
            price=_checked_number("price", _get(fields, "price")),
        )


@dataclass(frozen=True)
class MovingAverage:
    """The statistics of one position over one window.

    window_start (inclusive) and window_end (exclusive): UTC. count: ticks in the window, at least 1. last,
    min, max, mean: currency units. stddev: sample standard deviation (divisor n - 1), currency units, None
    when count < 2. cv: coefficient of variation, 100 * stddev / mean, in percent, None when there is no
    stddev or the mean is 0. Building one with anything else raises ContractError.
    """

    symbol: str
    window_start: datetime
    window_end: datetime
    count: int
    last: float
    min: float
    max: float
    mean: float
    stddev: float | None
    cv: float | None

    def __post_init__(self) -> None:
        _check_symbol_field(self.symbol)
        for name in ("window_start", "window_end"):
            object.__setattr__(self, name, _checked_time(name, getattr(self, name)))
        if self.window_end <= self.window_start:
            raise _refused(
                "window_end", format_time(self.window_end), f"must be after {format_time(self.window_start)}"
            )
        if type(self.count) is not int or self.count < 1:
            raise _refused("count", self.count, "must be a whole number, at least 1")
        for name in ("last", "min", "max", "mean"):
            _checked_number(name, getattr(self, name))
        if not self.min <= self.last <= self.max:
            raise _refused("last", self.last, f"must lie between min {self.min!r} and max {self.max!r}")
        if (self.stddev is None) != (self.count < 2):
            raise _refused(
                "stddev",
                self.stddev,
                f"must be null exactly when count is below 2; count is {self.count}",
            )
        if (self.cv is None) != (self.stddev is None or self.mean == 0):
            raise _refused("cv", self.cv, "must be null without a stddev or with a mean of 0, and only then")
        if self.stddev is not None and _checked_number("stddev", self.stddev) < 0:
            raise _refused("stddev", self.stddev, "must not be negative")
        if self.cv is not None:
            _checked_number("cv", self.cv)

    def to_json(self) -> bytes:
        """The record's bytes; numbers in the shortest form that reads back as the same number."""
        return json.dumps(
            {
                "symbol": self.symbol,
                "window_start": format_time(self.window_start),
                "window_end": format_time(self.window_end),
                "count": self.count,
                "last": self.last,
                "min": self.min,
                "max": self.max,
                "mean": self.mean,
                "stddev": self.stddev,
                "cv": self.cv,
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes) -> MovingAverage:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value."""
        fields = _object(data)
        numbers = {name: _checked_number(name, _get(fields, name)) for name in ("last", "min", "max", "mean")}
        return cls(
            symbol=_get(fields, "symbol"),
            window_start=parse_time("window_start", _get(fields, "window_start")),
            window_end=parse_time("window_end", _get(fields, "window_end")),
            count=_get(fields, "count"),
            **numbers,
            stddev=_optional_number(fields, "stddev"),
            cv=_optional_number(fields, "cv"),
        )


def format_time(time: datetime) -> str:
    """A time as the records write it: "2026-11-22 01:02:03.004", UTC."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")


def parse_time(field: str, value: object) -> datetime:
    """The time that a record's field holds; raises ContractError naming the field."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError:
            pass  # such as the 30th of February: refused below like any other text
    raise _refused(field, value, 'must be a UTC time such as "2026-11-22 01:02:03.004"')


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(data)  # takes NaN and Infinity too; the check of their field names them
    except (ValueError, RecursionError) as error:
        raise ContractError(f"the record is not JSON ({error}): {_shown(data)}") from None
    if not isinstance(fields, dict):
        raise ContractError(f"the record is not a JSON object: {_shown(data)}")
    return fields


def _get(fields: Mapping[str, Any], name: str) -> Any:
    try:
        return fields[name]
    except KeyError:
        raise ContractError(f"field {name!r} is missing from {_shown(dict(fields))}", field=name) from None


def _optional_number(fields: Mapping[str, Any], name: str) -> float | None:
    value = _get(fields, name)
    return None if value is None else _checked_number(name, value)


def _checked_number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(name, value, "must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _refused(name, value, "must be finite")
    return number


def _checked_time(name: str, value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _refused(name, value, "must be a datetime with a time zone")
    utc = value.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _check_symbol_field(value: object) -> None:
    if not isinstance(value, str):
        raise _refused("symbol", value, "must be a text")
    try:
        check_symbol(value)
    except SymbolError as error:
        raise ContractError(f"field 'symbol': {error}", field="symbol") from None


def _refused(field: str, value: object, rule: str) -> ContractError:
    return ContractError(f"field {field!r} {rule}; it is {_shown(value)}", field=field)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:119] + "…"
