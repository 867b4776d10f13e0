"""Panes, of which windows are made.

Prices are whole units of 1e-8 (Prices.java), so sums of them are exact in any order.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping
from typing import NamedTuple, Self

UNIT = 10**8
"""Units in one currency unit."""

VERSION = 1
"""Raise it whenever the meaning of a pane's bytes changes."""


class Pane(NamedTuple):
    """The ticks of one position in an interval of event time, as long as the shortest slide.

    end_ms: its end, exclusive, epoch milliseconds. n: ticks, at least 1. total, sum_of_squares: of the
    prices, units and units squared. low, high: lowest and highest price, units; low_ms, high_ms: the time of
    the first tick with it. last: price of the latest tick by (last_ms, last_order), units; last_order breaks
    ties within a millisecond. histogram: the number of ticks by price; None when no statistic needs it.
    """

    end_ms: int
    n: int
    total: int
    sum_of_squares: int
    low: int
    high: int
    low_ms: int
    high_ms: int
    last: int
    last_ms: int
    last_order: int
    histogram: Mapping[int, int] | None = None

    def to_bytes(self) -> bytes:
        """The pane as state. Version 4 of marshal's format is fixed, and holds only values."""
        histogram = None if self.histogram is None else dict(self.histogram)
        return marshal.dumps((VERSION, *self[:-1], histogram), 4)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote; raises ValueError for another version."""
        version, *values = marshal.loads(data)  # noqa: S302 - our own state
        if version != VERSION:
            raise ValueError(f"the pane has version {version}, not {VERSION}")
        return cls(*values)


def merge(a: Pane, b: Pane) -> Pane:
    """A pane with the ticks of both; associative and commutative.

    Raises ValueError when they are not parts of the same pane.
    """
    if a.end_ms != b.end_ms:
        raise ValueError(f"panes that end at {a.end_ms} and {b.end_ms} are not parts of one pane")
    low, low_ms = min((a.low, a.low_ms), (b.low, b.low_ms))
    high, high_ms = min((-a.high, a.high_ms), (-b.high, b.high_ms))
    last_ms, last_order, last = max((a.last_ms, a.last_order, a.last), (b.last_ms, b.last_order, b.last))
    histogram = None
    if a.histogram is not None and b.histogram is not None:
        histogram = dict(a.histogram)
        for price, count in b.histogram.items():
            histogram[price] = histogram.get(price, 0) + count
    return a._replace(
        n=a.n + b.n,
        total=a.total + b.total,
        sum_of_squares=a.sum_of_squares + b.sum_of_squares,
        low=low,
        low_ms=low_ms,
        high=-high,
        high_ms=high_ms,
        last=last,
        last_ms=last_ms,
        last_order=last_order,
        histogram=histogram,
    )
