"""The prices of a window with their counts: exact order statistics without sorting anew."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate, compress
from operator import add, sub

from gatherer.panes import Histogram

_MANY = 200
"""From this many prices on, it is faster to sort all prices anew than to insert each."""


class PriceMultiset:
    """A multiset of prices (units). Ticks and histograms are added to it and removed from it.

    Where prices stand next to one another here as in a histogram, all of them take one pass in C. Otherwise
    each takes a bisection and a move of memory. A query makes one pass over the window's distinct prices in C
    (to accumulate the counts), then a few bisections. Each distinct price takes 16 bytes.
    """

    def __init__(self) -> None:
        self._prices, self._counts = array("q"), array("q")  # ascending; each count is above 0
        self._order_statistics: tuple[int, int] | None = None

    @property
    def low(self) -> int:
        return self._prices[0]

    @property
    def high(self) -> int:
        return self._prices[-1]

    def add_ticks(self, ticks: Iterable[int]) -> None:
        """Add a tick at each of these prices."""
        self._order_statistics = None
        prices, counts = self._prices, self._counts
        for price in ticks:
            at = bisect_left(prices, price)
            if at < len(prices) and prices[at] == price:
                counts[at] += 1
            else:
                prices.insert(at, price)
                counts.insert(at, 1)

    def remove_ticks(self, ticks: Iterable[int]) -> None:
        """Remove ticks that were added."""
        self._order_statistics = None
        prices, counts = self._prices, self._counts
        for price in ticks:
            at = bisect_left(prices, price)
            if counts[at] == 1:
                del prices[at], counts[at]
            else:
                counts[at] -= 1

    def add(self, histogram: Histogram) -> None:
        """Add the ticks of a pane."""
        self._order_statistics = None
        prices, counts = self._prices, self._counts
        at = bisect_left(prices, histogram.prices[0])
        until = at + len(histogram.prices)
        if prices[at:until] == histogram.prices:
            counts[at:until] = array("q", map(add, counts[at:until], histogram.counts))
        elif len(histogram.prices) >= _MANY:
            self._merge(histogram, 1)
        else:
            for price, count in zip(*histogram, strict=True):
                at = bisect_left(prices, price)
                if at < len(prices) and prices[at] == price:
                    counts[at] += count
                else:
                    prices.insert(at, price)
                    counts.insert(at, count)

    def remove(self, histogram: Histogram) -> None:
        """Remove the ticks of a pane that was added."""
        self._order_statistics = None
        prices, counts = self._prices, self._counts
        at = bisect_left(prices, histogram.prices[0])
        until = at + len(histogram.prices)
        if prices[at:until] == histogram.prices:
            left = array("q", map(sub, counts[at:until], histogram.counts))
            if 0 in left:
                prices[at:until] = array("q", compress(histogram.prices, left))
                left = array("q", filter(None, left))
            counts[at:until] = left
        elif len(histogram.prices) >= _MANY:
            self._merge(histogram, -1)
        else:
            for price, count in zip(*histogram, strict=True):
                at = bisect_left(prices, price)
                if counts[at] == count:
                    del prices[at], counts[at]
                else:
                    counts[at] -= count

    def _merge(self, histogram: Histogram, sign: int) -> None:
        merged = dict(zip(self._prices, self._counts, strict=True))
        for price, count in zip(*histogram, strict=True):
            merged[price] = merged.get(price, 0) + sign * count
        self._prices = array("q", sorted(price for price, count in merged.items() if count))
        self._counts = array("q", map(merged.__getitem__, self._prices))

    def __len__(self) -> int:
        """The number of ticks."""
        return sum(self._counts)

    def items(self) -> list[tuple[int, int]]:
        """Prices with their counts, in ascending order."""
        return list(zip(self._prices, self._counts, strict=True))

    def order_statistics(self) -> tuple[int, int]:
        """Twice the median and four times the unscaled MAD, units; there must be a tick."""
        if self._order_statistics is None:
            # [0, ticks at the lowest price, at the two lowest, ...]
            cumulated = [0, *accumulate(self._counts)]
            median2 = _median2(self._prices, cumulated)
            self._order_statistics = median2, _mad4(self._prices, cumulated, median2)
        return self._order_statistics


def _median2(prices: array[int], cumulated: list[int]) -> int:
    n = cumulated[-1]
    rank = (n + 1) // 2
    above = bisect_left(cumulated, rank)
    if n % 2 or cumulated[above] > rank:
        return 2 * prices[above - 1]
    return prices[above - 1] + prices[above]  # each price has ticks


def _mad4(prices: array[int], cumulated: list[int], median2: int) -> int:
    """Deviations, |2 price - median2|, rise to the right of the median and to the left of it, so the one of a
    rank is found by bisection.
    """
    n = cumulated[-1]
    middle = bisect_left(prices, -(-median2 // 2))
    rank = (n + 1) // 2
    # From this index on, prices on the left are nearer than the deviation that is looked for.
    left, high = 0, middle
    while left < high:
        index = (left + high) // 2
        # The mirror image of a price is as far to the right.
        if cumulated[bisect_right(prices, median2 - prices[index], middle)] - cumulated[index] < rank:
            high = index
        else:
            left = index + 1
    right = bisect_left(cumulated, cumulated[left] + rank, middle) - 1
    deviation = _nearer(prices, median2, left - 1, right)
    if n % 2:
        return 2 * deviation
    low = bisect_left(prices, -((deviation - median2) // 2))
    high = bisect_right(prices, (median2 + deviation) // 2, middle)
    if cumulated[high] - cumulated[low] > rank:
        return 2 * deviation
    return deviation + _nearer(prices, median2, low - 1, high)


def _nearer(prices: array[int], median2: int, left: int, right: int) -> int:
    """The smaller deviation of these two indices, of which one may be out of range."""
    if left < 0:
        return 2 * prices[right] - median2
    if right >= len(prices):
        return median2 - 2 * prices[left]
    return min(median2 - 2 * prices[left], 2 * prices[right] - median2)
