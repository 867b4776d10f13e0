"""Panes, of which windows are made.

Prices are whole units of 1e-8 (Prices.java), so sums of them are exact in any order.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from itertools import chain
from struct import Struct
from typing import NamedTuple

UNIT = 10**8
"""Units in one currency unit."""

VERSION = 2
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


def one_tick(end_ms: int, price: int, ms: int, order: int, *, with_histogram: bool) -> Pane:
    """The pane of a single tick."""
    histogram = {price: 1} if with_histogram else None
    # What the constructor does, without its call.
    return tuple.__new__(
        Pane, (end_ms, 1, price, price * price, price, price, ms, ms, price, ms, order, histogram)
    )


# The first byte of a pane's bytes: whether it has one tick, or several; and whether it counts each price.
_ONE, _ONE_COUNTED, _SEVERAL, _SEVERAL_COUNTED = range(4)
# Its form, its end; the price, time and order of its last tick, which say everything of a pane with one tick.
_HEAD = Struct("<bqqqq")
_LAST = Struct("<qq")
_LAST_AT = 1 + 8
# n, total (two words), sum of squares (three), low, its ms, high, its ms, and the number of prices. A pair
# (price, count) for each follows, if the pane counts them.
_REST = Struct("<qQqQQqqqqqI")
_WORD, _MASK = 64, (1 << 64) - 1


def pack(pane: Pane) -> bytes:
    """The pane as bytes: 33 when it has one tick."""
    histogram = pane.histogram
    head = pane.end_ms, pane.last, pane.last_ms, pane.last_order
    if pane.n == 1:
        return _HEAD.pack(_ONE if histogram is None else _ONE_COUNTED, *head)
    total, squares = pane.total, pane.sum_of_squares
    rest = _REST.pack(
        pane.n,
        *(total & _MASK, total >> _WORD),
        *(squares & _MASK, squares >> _WORD & _MASK, squares >> 2 * _WORD),
        *(pane.low, pane.low_ms, pane.high, pane.high_ms),
        0 if histogram is None else len(histogram),
    )
    if histogram is None:
        return _HEAD.pack(_SEVERAL, *head) + rest
    counts = struct.pack(f"<{2 * len(histogram)}q", *chain.from_iterable(histogram.items()))
    return _HEAD.pack(_SEVERAL_COUNTED, *head) + rest + counts


def unpack(data: bytes | bytearray, at: int) -> Pane:
    """Read the pane whose bytes begin there."""
    form, end, last, last_ms, order = _HEAD.unpack_from(data, at)
    if form <= _ONE_COUNTED:
        return one_tick(end, last, last_ms, order, with_histogram=form == _ONE_COUNTED)
    at += _HEAD.size
    n, t0, t1, s0, s1, s2, low, low_ms, high, high_ms, prices = _REST.unpack_from(data, at)
    histogram = None
    if form == _SEVERAL_COUNTED:
        counts = struct.unpack_from(f"<{2 * prices}q", data, at + _REST.size)
        histogram = dict(zip(counts[::2], counts[1::2], strict=True))
    total = (t1 << _WORD) + t0
    squares = (((s2 << _WORD) + s1) << _WORD) + s0
    return Pane(end, n, total, squares, low, high, low_ms, high_ms, last, last_ms, order, histogram)


def last_of(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """The price and the time of the last tick of the pane whose bytes begin there."""
    price, ms = _LAST.unpack_from(data, at + _LAST_AT)
    return price, ms


def size_of(data: bytes | bytearray, at: int) -> int:
    """How many bytes the pane has whose bytes begin there."""
    if data[at] <= _ONE_COUNTED:
        return _HEAD.size
    *_, prices = _REST.unpack_from(data, at + _HEAD.size)
    return _HEAD.size + _REST.size + 16 * int(prices)


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
