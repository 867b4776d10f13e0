"""The contract of `movingaverage`: the statistics of one window."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import orjson

from kafka_topic.contracts import fields
from kafka_topic.errors import ContractError
from kafka_topic.statistics import FIELDS, OWNERS
from kafka_topic.windows import window_label

_INFINITE = math.inf
_NO_VALUES: Mapping[str, float | None] = MappingProxyType({})


@dataclass(frozen=True, init=False)
class MovingAverage:
    """The statistics of one position over one window; one record per symbol, window and window end.

    window: the label of the window's length, "10s", "1m", made from its ends. window_start (inclusive)
    and window_end (exclusive): UTC. count: ticks in the window, at least 1. last, min, max, mean: currency
    units; zero or below where an input has such prices. stddev: sample standard deviation (divisor n - 1),
    currency units, None when count < 2. cv: coefficient of variation, 100 * stddev / |mean|, in percent, None
    when there is no stddev or the mean is 0.

    values: the fields of the optional statistics that the record carries, by name; None where undefined. A
    statistic is carried with all of its fields. Each field of `kafka_topic.statistics` is an attribute too,
    such as `median`: None when it is undefined or not carried.

    The constructor raises ContractError for other values.
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
    values: Mapping[str, float | None] = field(hash=False)
    window: str = field(init=False)

    # The gatherer makes thousands of them a second, so this does what a dataclass would do, in less time.
    def __init__(
        self,
        symbol: str,
        window_start: datetime,
        window_end: datetime,
        count: int,
        last: float,
        min: float,  # noqa: A002
        max: float,  # noqa: A002
        mean: float,
        stddev: float | None,
        cv: float | None,
        values: Mapping[str, float | None] = _NO_VALUES,
    ) -> None:
        fields.symbol(symbol)
        if not type(window_start) is type(window_end) is datetime:
            window_start = fields.time("window_start", window_start)
            window_end = fields.time("window_end", window_end)
        start, end, window = _span(window_start, window_end)
        own = {
            "symbol": symbol,
            "window": window,
            "window_start": start,
            "window_end": end,
            "count": count,
            "last": last,
            "min": min,
            "max": max,
            "mean": mean,
            "stddev": stddev,
            "cv": cv,
            "values": values,
        }
        object.__setattr__(self, "__dict__", own)
        is_usual = (
            type(count) is int
            and count > 1
            and type(last) is type(min) is type(max) is type(mean) is float
            and type(stddev) is float
            and type(cv) is float
            and -_INFINITE < min <= last <= max < _INFINITE
            and (-_INFINITE < mean < 0 or 0 < mean < _INFINITE)
            and 0 <= stddev < _INFINITE
            and -_INFINITE < cv < _INFINITE
        )
        if not is_usual:
            self._check()
        self._check_values()

    def _check(self) -> None:
        fields.whole("count", self.count, least=1)
        fields.number("last", self.last)
        fields.number("min", self.min)
        fields.number("max", self.max)
        fields.number("mean", self.mean)
        if not self.min <= self.last <= self.max:
            raise fields.refused("last", self.last, self._between())
        if (self.stddev is None) != (self.count < 2):
            rule = f"must be null exactly when count is below 2; count is {self.count}"
            raise fields.refused("stddev", self.stddev, rule)
        if (self.cv is None) != (self.stddev is None or self.mean == 0):
            rule = "must be null without a stddev or with a mean of 0, and only then"
            raise fields.refused("cv", self.cv, rule)
        if self.stddev is not None:
            fields.not_negative("stddev", self.stddev)
        if self.cv is not None:
            fields.number("cv", self.cv)

    def __getattr__(self, name: str) -> float | None:
        if name in FIELDS:
            return self.values.get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def statistics(self) -> frozenset[str]:
        """The statistics that the record carries."""
        return frozenset(map(OWNERS.__getitem__, self.values))

    def _check_values(self) -> None:
        known = {**self.__dict__, **self.values}
        for name, null_with, least, at_least, at_most in _checks(tuple(self.values)):
            value = known[name]
            if null_with is not None and (value is None) != (known[null_with] is None):
                raise fields.refused(name, value, f"must be null exactly when {null_with} is")
            if value is None:
                continue
            if type(value) is not float or not -_INFINITE < value < _INFINITE:
                fields.number(name, value)
            if least is not None and value < least:
                raise fields.refused(name, value, f"must be at least {least:g}")
            if at_least is not None and (low := known[at_least]) is not None and value < low:
                raise fields.refused(name, value, f"must not be below {at_least}, {low!r}")
            if at_most is not None and (high := known[at_most]) is not None and value > high:
                raise fields.refused(name, value, f"must not be above {at_most}, {high!r}")

    def _between(self) -> str:
        return f"must lie between min {self.min!r} and max {self.max!r}"

    def to_json(self) -> bytes:
        """The record's bytes, without the statistics that it does not carry. Each number has the shortest
        form that reads back as the same number.
        """
        record: dict[str, Any] = self.__dict__.copy()
        record["window_start"] = fields.format_time(self.window_start)
        record["window_end"] = fields.format_time(self.window_end)
        values = record.pop("values")
        for name in _ordered(tuple(values)):
            record[name] = values[name]
        return orjson.dumps(record, default=float)

    @classmethod
    def from_json(cls, data: bytes) -> MovingAverage:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value.

        In a record without `window`, the window follows from start and end.
        """
        record = fields.json_object(data)
        carried = {OWNERS[name] for name in FIELDS if name in record}
        read = cls(
            symbol=fields.get(record, "symbol"),
            window_start=fields.parse_time("window_start", fields.get(record, "window_start")),
            window_end=fields.parse_time("window_end", fields.get(record, "window_end")),
            count=fields.get(record, "count"),
            last=fields.number("last", fields.get(record, "last")),
            min=fields.number("min", fields.get(record, "min")),
            max=fields.number("max", fields.get(record, "max")),
            mean=fields.number("mean", fields.get(record, "mean")),
            stddev=fields.optional_number("stddev", fields.get(record, "stddev")),
            cv=fields.optional_number("cv", fields.get(record, "cv")),
            values={
                name: fields.optional_number(name, fields.get(record, name))
                for name, owner in OWNERS.items()
                if owner in carried
            },
        )
        if record.get("window", read.window) != read.window:
            rule = f'must be "{read.window}", the length from window_start to window_end'
            raise fields.refused("window", record["window"], rule)
        return read


@lru_cache(maxsize=4096)
def _span(window_start: datetime, window_end: datetime) -> tuple[datetime, datetime, str]:
    """Start and end in UTC, and the label; cached, because all positions have windows with the same ends."""
    start, end = fields.time("window_start", window_start), fields.time("window_end", window_end)
    if end <= start:
        rule = f"must be after {fields.format_time(start)}"
        raise fields.refused("window_end", fields.format_time(end), rule)
    return start, end, window_label(end - start)


@lru_cache(maxsize=64)
def _checks(
    names: tuple[str, ...],
) -> tuple[tuple[str, str | None, float | None, str | None, str | None], ...]:
    """The fields of these names in the catalogue's order: name, `null_with`, and the bounds.

    Raises ContractError unless they are complete statistics. A job writes records with one set of names, so
    the cache has few entries.
    """
    if unknown := sorted(set(names) - FIELDS.keys()):
        raise fields.refused("values", unknown[0], f"may hold {', '.join(FIELDS)}")
    carried = {OWNERS[name] for name in names}
    found = [field for name, field in FIELDS.items() if OWNERS[name] in carried]
    if missing := [field.name for field in found if field.name not in names]:
        raise ContractError(f"field {missing[0]!r} is missing", field=missing[0])
    return tuple((field.name, field.null_with, field.least, field.at_least, field.at_most) for field in found)


@lru_cache(maxsize=64)
def _ordered(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of these fields in the catalogue's order."""
    return tuple(name for name in FIELDS if name in names)
