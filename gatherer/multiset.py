"""The prices of a window with their counts: exact order statistics without sorting anew."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate

_FEW = 8
"""Up to this many new prices are inserted one by one. More are merged by sorting, linear for two runs."""


class PriceMultiset:
    """A multiset of prices (units). Panes are added to it and removed from it.

    The cost of adding and removing is proportional to the pane's distinct prices. A query makes one pass over
    the window's distinct prices in C (to accumulate the counts), then a few bisections. Memory grows only
    with the distinct prices: a query drops those without ticks once they are a quarter.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._sorted: list[int] = []
        self._new: list[int] = []
        self._gone = 0
        self._cumulated: list[int] | None = None
        self._order_statistics: tuple[int, int] | None = None

    def add(self, histogram: Mapping[int, int]) -> None:
        """Add ticks: price -> count."""
        counts = self._counts
        for price, count in histogram.items():
            before = counts.get(price)
            if before is None:
                counts[price] = count
                self._new.append(price)
            else:
                if not before:
                    self._gone -= 1
                counts[price] = before + count
        self._changed()

    def remove(self, histogram: Mapping[int, int]) -> None:
        """Remove ticks that were added."""
        counts = self._counts
        for price, count in histogram.items():
            left = counts[price] - count
            counts[price] = left
            if not left:
                self._gone += 1
        self._changed()

    def __len__(self) -> int:
        """The number of ticks."""
        return self._cumulate()[-1]

    def items(self) -> list[tuple[int, int]]:
        """Prices with their counts, in ascending order."""
        self._cumulate()
        return [(price, self._counts[price]) for price in self._sorted if self._counts[price]]

    def order_statistics(self) -> tuple[int, int]:
        """Twice the median and four times the unscaled MAD, units; there must be a tick."""
        if self._order_statistics is None:
            median2 = self._median2()
            self._order_statistics = median2, self._mad4(median2)
        return self._order_statistics

    def _median2(self) -> int:
        cumulated, prices = self._cumulate(), self._sorted
        n = cumulated[-1]
        rank = (n + 1) // 2
        low = bisect_left(cumulated, rank) - 1
        if n % 2 or cumulated[low + 1] > rank:
            return 2 * prices[low]
        return prices[low] + prices[bisect_left(cumulated, rank + 1) - 1]

    def _mad4(self, median2: int) -> int:
        """Deviations, |2 price - median2|, rise to the right of the median and to the left of it, so the
        one of a rank is found by bisection.
        """
        cumulated, prices = self._cumulate(), self._sorted
        n, middle = cumulated[-1], bisect_left(prices, -(-median2 // 2))
        rank = (n + 1) // 2
        # From this index on, prices on the left are nearer than the deviation that is looked for.
        left, high = 0, middle
        while left < high:
            index = (left + high) // 2
            # The mirror image of a price is as far to the right.
            within = bisect_right(prices, median2 - prices[index], middle)
            if cumulated[within] - cumulated[index] < rank:
                high = index
            else:
                left = index + 1
        right = bisect_left(cumulated, cumulated[left] + rank) - 1
        deviation = self._nearer(median2, left - 1, right)
        if n % 2:
            return 2 * deviation
        low = bisect_left(prices, -((deviation - median2) // 2))
        high = bisect_right(prices, (median2 + deviation) // 2, middle)
        if cumulated[high] - cumulated[low] > rank:
            return 2 * deviation
        # The next ones with ticks.
        left, right = bisect_left(cumulated, cumulated[low]) - 1, bisect_right(cumulated, cumulated[high]) - 1
        return deviation + self._nearer(median2, left, right)

    def _nearer(self, median2: int, left: int, right: int) -> int:
        """The smaller deviation of these two indices, of which one may be out of range."""
        prices = self._sorted
        if left < 0:
            return 2 * prices[right] - median2
        if right >= len(prices):
            return median2 - 2 * prices[left]
        return min(median2 - 2 * prices[left], 2 * prices[right] - median2)

    def _changed(self) -> None:
        self._cumulated = self._order_statistics = None

    def _cumulate(self) -> list[int]:
        """[0, ticks at the lowest price, at the two lowest, ...]"""
        if self._cumulated is None:
            if len(self._new) > _FEW:
                self._sorted += sorted(self._new)
                self._sorted.sort()
            else:
                for price in self._new:
                    self._sorted.insert(bisect_left(self._sorted, price), price)
            self._new.clear()
            if self._gone * 4 > len(self._counts):
                self._sorted = [price for price in self._sorted if self._counts[price]]
                self._counts = {price: self._counts[price] for price in self._sorted}
                self._gone = 0
            self._cumulated = list(accumulate(map(self._counts.__getitem__, self._sorted), initial=0))
        return self._cumulated
