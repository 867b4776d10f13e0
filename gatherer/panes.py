"""Panes, of which windows are made.

Prices are whole units of 1e-8 (Prices.java), so sums of them are exact in any order.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from struct import Struct
from typing import NamedTuple

UNIT = 10**8
"""Units in one currency unit."""

VERSION = 2
"""Raise it whenever the meaning of a pane's bytes changes."""


class Histogram(NamedTuple):
    """The number of ticks by price. prices: distinct, units, ascending; state of an earlier version may hold
    them in another order, which only takes more time. counts: of each price.
    """

    prices: array[int]
    counts: array[int]

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Histogram:
        """That of these counts by price."""
        prices = sorted(counts)
        return cls(array("q", prices), array("q", map(counts.__getitem__, prices)))

    @classmethod
    def from_pairs(cls, pairs: array[int]) -> Histogram:
        """That of price, count, price, count, ..."""
        return cls(pairs[::2], pairs[1::2])

    def pairs(self) -> array[int]:
        """What `from_pairs` reads."""
        pairs = array("q", bytes(16 * len(self.prices)))
        pairs[::2], pairs[1::2] = self
        return pairs


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
    histogram: Histogram | None = None


_ONCE = array("q", (1,))


def one_tick(end_ms: int, price: int, ms: int, order: int, *, with_histogram: bool) -> Pane:
    """The pane of a single tick."""
    # What the constructors do, without their calls.
    histogram = tuple.__new__(Histogram, (array("q", (price,)), _ONCE)) if with_histogram else None
    return tuple.__new__(
        Pane, (end_ms, 1, price, price * price, price, price, ms, ms, price, ms, order, histogram)
    )


# The first byte of a pane's bytes: whether it has one tick, or several; and whether it counts each price.
_ONE, _ONE_COUNTED, _SEVERAL, _SEVERAL_COUNTED = (bytes([form]) for form in range(4))
# Its form, its end; the price, time and order of its last tick, which say everything of a pane with one tick.
_HEAD = Struct("<cqqqq")
# n, total (two words), sum of squares (three), low, its ms, high, its ms, and the number of prices. A pair
# (price, count) for each follows, if the pane counts them: the bytes of an array, so little-endian on all
# machines that Flink runs on.
_REST = Struct("<qQqQQqqqqqI")
_WORD, _MASK = 64, (1 << 64) - 1


def details(pane: Pane) -> bytes:
    """The form of the pane, and what it has beside its last tick and its end: a single byte for one tick."""
    histogram = pane.histogram
    if pane.n == 1:
        return _ONE if histogram is None else _ONE_COUNTED
    total, squares = pane.total, pane.sum_of_squares
    rest = _REST.pack(
        pane.n,
        *(total & _MASK, total >> _WORD),
        *(squares & _MASK, squares >> _WORD & _MASK, squares >> 2 * _WORD),
        *(pane.low, pane.low_ms, pane.high, pane.high_ms),
        0 if histogram is None else len(histogram.prices),
    )
    if histogram is None:
        return _SEVERAL + rest
    return _SEVERAL_COUNTED + rest + histogram.pairs().tobytes()


def from_details(end: int, last: int, last_ms: int, order: int, details: bytes) -> Pane:
    """The pane with these details."""
    form = details[:1]
    if form <= _ONE_COUNTED:
        return one_tick(end, last, last_ms, order, with_histogram=form == _ONE_COUNTED)
    n, t0, t1, s0, s1, s2, low, low_ms, high, high_ms, _ = _REST.unpack_from(details, 1)
    histogram = None
    if form == _SEVERAL_COUNTED:
        histogram = Histogram.from_pairs(array("q", details[1 + _REST.size :]))
    total = (t1 << _WORD) + t0
    squares = (((s2 << _WORD) + s1) << _WORD) + s0
    return Pane(end, n, total, squares, low, high, low_ms, high_ms, last, last_ms, order, histogram)


def pack(
    ends: Iterable[int],
    lasts: Iterable[int],
    times: Iterable[int],
    orders: Iterable[int],
    details: list[bytes],
) -> bytes:
    """Panes as bytes: 33 for one that has one tick."""
    forms = [each[:1] for each in details]
    heads = map(_HEAD.pack, forms, ends, lasts, times, orders)
    if forms == details:
        return b"".join(heads)
    return b"".join([part for head, each in zip(heads, details, strict=True) for part in (head, each[1:])])


def unpack(data: bytes, at: int = 0) -> Iterator[tuple[int, int, int, int, bytes]]:
    """Read packed panes from there on: for each, the arguments of `from_details`."""
    while at < len(data):
        form, end, last, last_ms, order = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        size = 0
        if form > _ONE_COUNTED:
            *_, prices = _REST.unpack_from(data, at)
            size = _REST.size + 16 * prices
        yield end, last, last_ms, order, form + data[at : (at := at + size)]


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
        counts = dict(zip(*a.histogram, strict=True))
        for price, count in zip(*b.histogram, strict=True):
            counts[price] = counts.get(price, 0) + count
        histogram = Histogram.of(counts)
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
