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
        cumulated = self._cumulate()
        n = cumulated[-1]
        low = bisect_left(cumulated, (n + 1) // 2) - 1
        if n % 2 or cumulated[low + 1] > n // 2:
            return 2 * self._sorted[low]
        high = bisect_left(cumulated, n // 2 + 1) - 1
        return self._sorted[low] + self._sorted[high]

    def _mad4(self, median2: int) -> int:
        n = self._cumulate()[-1]
        low = self._deviation(median2, (n + 1) // 2)
        if n % 2 or self._within(median2, low) > n // 2:
            return 2 * low
        return low + self._deviation(median2, n // 2 + 1)

    def _deviation(self, median2: int, rank: int) -> int:
        """The rank-th smallest value of |2 price - median2|; ranks begin at 1.

        Deviations rise with the index on the right of the median and fall with it on the left, so each side
        is bisected for its smallest deviation that has `rank` ticks within it.
        """
        prices = self._sorted
        middle = bisect_left(prices, -(-median2 // 2))
        right = bisect_left(
            range(middle, len(prices)), rank, key=lambda i: self._within(median2, 2 * prices[i] - median2)
        )
        left = bisect_left(
            range(middle), rank, key=lambda i: self._within(median2, median2 - 2 * prices[middle - 1 - i])
        )
        found = []
        if middle + right < len(prices):
            found.append(2 * prices[middle + right] - median2)
        if left < middle:
            found.append(median2 - 2 * prices[middle - 1 - left])
        return min(found)

    def _within(self, median2: int, deviation: int) -> int:
        """The number of ticks with |2 price - median2| <= deviation."""
        cumulated = self._cumulate()
        low = bisect_left(self._sorted, -((deviation - median2) // 2))
        return cumulated[bisect_right(self._sorted, (median2 + deviation) // 2)] - cumulated[low]

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
