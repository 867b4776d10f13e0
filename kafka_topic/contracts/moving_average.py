"""The contract of `movingaverage`: the statistics of one window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from kafka_topic.contracts import fields
from kafka_topic.errors import ContractError
from kafka_topic.statistics import FIELDS, OWNERS, Field
from kafka_topic.windows import window_label


@dataclass(frozen=True)
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
    values: Mapping[str, float | None] = field(default_factory=dict, hash=False)
    window: str = field(init=False)

    def __post_init__(self) -> None:
        fields.symbol(self.symbol)
        start = fields.time("window_start", self.window_start)
        end = fields.time("window_end", self.window_end)
        if end <= start:
            rule = f"must be after {fields.format_time(start)}"
            raise fields.refused("window_end", fields.format_time(end), rule)
        object.__setattr__(self, "window_start", start)
        object.__setattr__(self, "window_end", end)
        object.__setattr__(self, "window", window_label(end - start))
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
        self._check_values()

    def __getattr__(self, name: str) -> float | None:
        if name in FIELDS:
            return self.values.get(name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def statistics(self) -> frozenset[str]:
        """The statistics that the record carries."""
        return frozenset(map(OWNERS.__getitem__, self.values))

    def _check_values(self) -> None:
        values = self.values
        for name, null_with, is_bounded in _checks(tuple(values)):
            value = values[name]
            if null_with is not None and (value is None) != (getattr(self, null_with) is None):
                raise fields.refused(name, value, f"must be null exactly when {null_with} is")
            if value is not None:
                fields.number(name, value)
                if is_bounded:
                    self._check_bounds(FIELDS[name], value)

    def _check_bounds(self, rule: Field, value: float) -> None:
        if rule.least is not None and value < rule.least:
            raise fields.refused(rule.name, value, f"must be at least {rule.least:g}")
        if rule.at_least is not None and (low := self._other(rule.at_least)) is not None and value < low:
            raise fields.refused(rule.name, value, f"must not be below {rule.at_least}, {low!r}")
        if rule.at_most is not None and (high := self._other(rule.at_most)) is not None and value > high:
            raise fields.refused(rule.name, value, f"must not be above {rule.at_most}, {high!r}")

    def _other(self, name: str) -> float | None:
        values = self.values
        other: float | None = values[name] if name in values else getattr(self, name)
        return other

    def _between(self) -> str:
        return f"must lie between min {self.min!r} and max {self.max!r}"

    def to_json(self) -> bytes:
        """The record's bytes, without the statistics that it does not carry. Each number has the shortest
        form that reads back as the same number.
        """
        record: dict[str, Any] = {
            "symbol": self.symbol,
            "window": self.window,
            "window_start": fields.format_time(self.window_start),
            "window_end": fields.format_time(self.window_end),
            "count": self.count,
            "last": self.last,
            "min": self.min,
            "max": self.max,
            "mean": self.mean,
            "stddev": self.stddev,
            "cv": self.cv,
        }
        values = self.values
        for name, _, _ in _checks(tuple(values)):
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


@lru_cache(maxsize=64)
def _checks(names: tuple[str, ...]) -> tuple[tuple[str, str | None, bool], ...]:
    """The fields of these names in the catalogue's order: name, `null_with`, and whether there are bounds.

    Raises ContractError unless they are complete statistics. A job writes records with one set of names, so
    the cache has few entries.
    """
    if unknown := sorted(set(names) - FIELDS.keys()):
        raise fields.refused("values", unknown[0], f"may hold {', '.join(FIELDS)}")
    carried = {OWNERS[name] for name in names}
    found = [field for name, field in FIELDS.items() if OWNERS[name] in carried]
    if missing := [field.name for field in found if field.name not in names]:
        raise ContractError(f"field {missing[0]!r} is missing", field=missing[0])
    return tuple(
        (field.name, field.null_with, (field.least, field.at_least, field.at_most) != (None, None, None))
        for field in found
    )
