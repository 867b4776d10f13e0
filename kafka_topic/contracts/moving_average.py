"""The statistics of one window, as they stand on `movingaverage`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kafka_topic.contracts import fields
from kafka_topic.windows import window_label

STATISTICS: Mapping[str, tuple[str, ...]] = {
    "median": ("median",),
    "mad": ("mad",),
    "realized_vol": ("realized_vol",),
    "ewma_vol": ("ewma_vol",),
    "bollinger": ("bollinger_upper", "bollinger_lower"),
}
"""The statistics that a setting switches on and off, and the fields of each."""


@dataclass(frozen=True)
class MovingAverage:
    """The statistics of one position over one window; one record per symbol, window and window end.

    window: the label of the window's length, "10s", "1m"; follows from its ends. window_start (inclusive)
    and window_end (exclusive): UTC. count: ticks in the window, at least 1. last, min, max, mean: currency
    units; zero and below where an input has such prices. stddev: sample standard deviation (divisor n - 1),
    currency units, None when count < 2. cv: coefficient of variation, 100 * stddev / |mean|, in percent, None
    when there is no stddev or the mean is 0.

    Optional, None when undefined or switched off:
    median: currency units. mad: median absolute deviation from the median times 1.4826, which makes it an
    estimate of sigma for normal prices; currency units. realized_vol: root of the sum of the squared log
    returns in the window, each from the last price of a pane to that of the next; dimensionless, for the
    window's length, not annualised; None where one of these prices is not above 0. ewma_vol: root of the
    exponentially weighted mean of squared log returns per second, per square root of a second; a price that
    is not above 0 makes it None, and it starts over.
    bollinger_upper, bollinger_lower: mean + and - 2 stddev; currency units, None without a stddev.
    statistics: which of STATISTICS the record carries, be they undefined; those with a value always are.

    Building one with anything else raises ContractError.
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
    median: float | None = None
    mad: float | None = None
    realized_vol: float | None = None
    ewma_vol: float | None = None
    bollinger_upper: float | None = None
    bollinger_lower: float | None = None
    statistics: frozenset[str] = frozenset()
    window: str = field(init=False)

    def __post_init__(self) -> None:
        fields.symbol(self.symbol)
        for name in ("window_start", "window_end"):
            object.__setattr__(self, name, fields.time(name, getattr(self, name)))
        if self.window_end <= self.window_start:
            start, end = map(fields.format_time, (self.window_start, self.window_end))
            raise fields.refused("window_end", end, f"must be after {start}")
        object.__setattr__(self, "window", window_label(self.window_end - self.window_start))
        fields.whole("count", self.count, least=1)
        for name in ("last", "min", "max", "mean"):
            fields.number(name, getattr(self, name))
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
        self._check_optional()

    def _check_optional(self) -> None:
        if unknown := sorted(self.statistics - STATISTICS.keys()):
            raise fields.refused("statistics", unknown[0], f"may hold {', '.join(STATISTICS)}")
        valued = {
            statistic
            for statistic, names in STATISTICS.items()
            if any(getattr(self, name) is not None for name in names)
        }
        object.__setattr__(self, "statistics", self.statistics | valued)
        for name in ("mad", "realized_vol", "ewma_vol"):
            if (value := getattr(self, name)) is not None:
                fields.not_negative(name, value)
        if self.median is not None and not self.min <= fields.number("median", self.median) <= self.max:
            raise fields.refused("median", self.median, self._between())
        if "bollinger" in self.statistics:
            for name in STATISTICS["bollinger"]:
                if (fields.optional_number(name, getattr(self, name)) is None) != (self.stddev is None):
                    rule = "must be null exactly when stddev is"
                    raise fields.refused(name, getattr(self, name), rule)
            upper, lower = self.bollinger_upper, self.bollinger_lower
            if upper is not None and lower is not None and upper < lower:
                rule = f"must not be below bollinger_lower, {lower!r}"
                raise fields.refused("bollinger_upper", upper, rule)

    def _between(self) -> str:
        return f"must lie between min {self.min!r} and max {self.max!r}"

    def to_json(self) -> bytes:
        """The record's bytes, without the statistics that it doesn't carry; numbers in the shortest form that
        reads back as the same number.
        """
        record: dict[str, Any] = {
            "symbol": self.symbol,
            "window": self.window,
            "window_start": fields.format_time(self.window_start),
            "window_end": fields.format_time(self.window_end),
        }
        for name in ("count", "last", "min", "max", "mean", "stddev", "cv"):
            record[name] = getattr(self, name)
        for statistic, names in STATISTICS.items():
            if statistic in self.statistics:
                record.update((name, getattr(self, name)) for name in names)
        return json.dumps(record).encode()

    @classmethod
    def from_json(cls, data: bytes) -> MovingAverage:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value.

        A record without `window` has the window that its start and end make.
        """
        record = fields.json_object(data)
        carried = {
            statistic: names
            for statistic, names in STATISTICS.items()
            if any(name in record for name in names)
        }
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
            statistics=frozenset(carried),
            **{
                name: fields.optional_number(name, fields.get(record, name))
                for names in carried.values()
                for name in names
            },
        )
        if record.get("window", read.window) != read.window:
            rule = f'must be "{read.window}", which lies between window_start and window_end'
            raise fields.refused("window", record["window"], rule)
        return read
