"""A moving window of one position: running sums over its panes."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import mul
from typing import NamedTuple

from gatherer.multiset import PriceMultiset
from gatherer.panes import Pane
from gatherer.returns import square

LONG_AGO = -(1 << 62)
"""A time before all others."""


class WindowLength(NamedTuple):
    """label: "10s", "1m". length_ms: a whole multiple of slide_ms, the time between two ends."""

    label: str
    length_ms: int
    slide_ms: int


class RunningMinimum:
    """The smallest value of the panes in a window. Values before a smaller one are dropped."""

    def __init__(self) -> None:
        # Both rise. Arrays, because a price that only rises keeps a value for each pane.
        self._ends, self._values = array("q"), array("q")

    @property
    def value(self) -> int:
        return self._values[0]

    def add(self, end_ms: int, value: int) -> None:
        """Add a value, also one of a late pane."""
        ends, values = self._ends, self._values
        if ends and end_ms <= ends[-1]:
            self._add_late(end_ms, value)
            return
        while values and values[-1] >= value:
            del ends[-1], values[-1]
        ends.append(end_ms)
        values.append(value)

    def _add_late(self, end_ms: int, value: int) -> None:
        ends, values = self._ends, self._values
        since = until = bisect_right(ends, end_ms)
        if until < len(ends) and values[until] <= value:
            return
        while since and values[since - 1] >= value:
            since -= 1
        if since == until and since and ends[since - 1] == end_ms:
            return  # another part of the pane has a smaller value
        ends[since:until] = array("q", (end_ms,))
        values[since:until] = array("q", (value,))

    def evict(self, until_ms: int) -> None:
        """Forget panes that end at or before this time."""
        ends = self._ends
        while ends and ends[0] <= until_ms:
            del ends[0], self._values[0]


class Extremes:
    """The lowest and the highest price of the panes in a window."""

    def __init__(self) -> None:
        self._low, self._minus_high = RunningMinimum(), RunningMinimum()

    @property
    def low(self) -> int:
        return self._low.value

    @property
    def high(self) -> int:
        return -self._minus_high.value

    def add(self, end_ms: int, low: int, high: int) -> None:
        """Add those of a pane, or of a late part of one."""
        self._low.add(end_ms, low)
        self._minus_high.add(end_ms, -high)

    def evict(self, until_ms: int) -> None:
        """Forget panes that end at or before this time."""
        self._low.evict(until_ms)
        self._minus_high.evict(until_ms)


class Window:
    """Sums over the panes that end in (since, until], both epoch milliseconds. In the log of panes, they are
    those from the index `first` on and before `stop`.

    It is evaluated at multiples of `step_ms`: its slide, or a pane where a signal looks at it at each pane.
    """

    def __init__(self, length: WindowLength, step_ms: int, with_prices: bool) -> None:
        self.label, self.length_ms, self.slide_ms = length
        self.step_ms = step_ms
        self.since = self.until = LONG_AGO
        self.first = self.stop = 0
        self.n = self.total = self.sum_of_squares = 0
        self.returns = self.moves = self.squares = self.undefined = 0
        self.prices = PriceMultiset() if with_prices else None
        self._extremes = Extremes()  # where prices, which have them too, are not counted

    @property
    def low(self) -> int:
        return self._extremes.low if self.prices is None else self.prices.low

    @property
    def high(self) -> int:
        return self._extremes.high if self.prices is None else self.prices.high

    def holds(self, end_ms: int) -> bool:
        """Whether a pane that ends there belongs to the sums."""
        return self.since < end_ms <= self.until

    def add(self, pane: Pane) -> None:
        """Add a pane, or a late part of one."""
        self.n += pane.n
        self.total += pane.total
        self.sum_of_squares += pane.sum_of_squares
        if self.prices is None:
            self._extremes.add(pane.end_ms, pane.low, pane.high)
        elif pane.histogram is not None:
            self.prices.add(pane.histogram)

    def remove(self, pane: Pane) -> None:
        """Subtract a pane from the sums; `evict` does the rest."""
        self.n -= pane.n
        self.total -= pane.total
        self.sum_of_squares -= pane.sum_of_squares
        if self.prices is not None and pane.histogram is not None:
            self.prices.remove(pane.histogram)

    def add_ticks(self, ends: Iterable[int], ticks: Sequence[int]) -> None:
        """Add panes with one tick each: their ends, and the prices of the ticks."""
        self.n += len(ticks)
        self.total += sum(ticks)
        self.sum_of_squares += sum(map(mul, ticks, ticks))
        if self.prices is None:
            for end_ms, price in zip(ends, ticks, strict=True):
                self._extremes.add(end_ms, price, price)
        else:
            self.prices.add_ticks(ticks)

    def remove_ticks(self, ticks: Sequence[int]) -> None:
        """Subtract panes with one tick each; `evict` does the rest."""
        self.n -= len(ticks)
        self.total -= sum(ticks)
        self.sum_of_squares -= sum(map(mul, ticks, ticks))
        if self.prices is not None:
            self.prices.remove_ticks(ticks)

    def add_returns(self, logs: Sequence[float]) -> None:
        """Add the log returns of panes; NaN for one that is undefined."""
        self.returns += len(logs)
        for log in filter(None, logs):
            if log == log:
                self.moves += 1
                self.squares += square(log)
            else:
                self.undefined += 1

    def remove_returns(self, logs: Sequence[float]) -> None:
        """Remove log returns that were added."""
        self.returns -= len(logs)
        for log in filter(None, logs):
            if log == log:
                self.moves -= 1
                self.squares -= square(log)
            else:
                self.undefined -= 1

    def evict(self, since_ms: int, first: int) -> None:
        """Move the start: the panes that end at or before it, those before this index, have been removed."""
        self.since, self.first = since_ms, first
        if self.prices is None:
            self._extremes.evict(since_ms)
