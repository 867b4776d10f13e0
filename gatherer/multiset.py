"""The prices of a window with their counts: exact order statistics without sorting anew."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate

_MANY = 200
"""From this many prices on, it is faster to sort all prices anew than to insert each."""


class PriceMultiset:
    """A multiset of prices (units). Panes are added to it and removed from it.

    Adding and removing takes a bisection and a move of memory for each of the pane's distinct prices. A query
    makes one pass over the window's distinct prices in C (to accumulate the counts), then a few bisections.
    Each distinct price takes 16 bytes.
    """

    def __init__(self) -> None:
        self._prices, self._counts = array("q"), array("q")  # ascending; each count is above 0
        self._order_statistics: tuple[int, int] | None = None

    def add(self, histogram: Mapping[int, int]) -> None:
        """Add ticks: price -> count."""
        self._order_statistics = None
        if len(histogram) >= _MANY:
            self._merge(histogram)
            return
        prices, counts = self._prices, self._counts
        for price, count in histogram.items():
            at = bisect_left(prices, price)
            if at < len(prices) and prices[at] == price:
                counts[at] += count
            else:
                prices.insert(at, price)
                counts.insert(at, count)

    def remove(self, histogram: Mapping[int, int]) -> None:
        """Remove ticks that were added."""
        self._order_statistics = None
        if len(histogram) >= _MANY:
            self._merge({price: -count for price, count in histogram.items()})
            return
        prices, counts = self._prices, self._counts
        for price, count in histogram.items():
            at = bisect_left(prices, price)
            if counts[at] == count:
                del prices[at], counts[at]
            else:
                counts[at] -= count

    def _merge(self, histogram: Mapping[int, int]) -> None:
        merged = dict(zip(self._prices, self._counts, strict=True))
        for price, count in histogram.items():
            merged[price] = merged.get(price, 0) + count
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
            cumulated = list(accumulate(self._counts, initial=0))
            median2 = self._median2(cumulated)
            self._order_statistics = median2, self._mad4(cumulated, median2)
        return self._order_statistics

    def _median2(self, cumulated: list[int]) -> int:
        prices, n = self._prices, cumulated[-1]
        rank = (n + 1) // 2
        low = bisect_left(cumulated, rank) - 1
        if n % 2 or cumulated[low + 1] > rank:
            return 2 * prices[low]
        return prices[low] + prices[bisect_left(cumulated, rank + 1) - 1]

    def _mad4(self, cumulated: list[int], median2: int) -> int:
        """Deviations, |2 price - median2|, rise to the right of the median and to the left of it, so the
        one of a rank is found by bisection.
        """
        prices, n = self._prices, cumulated[-1]
        middle = bisect_left(prices, -(-median2 // 2))
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
        return deviation + self._nearer(median2, low - 1, high)

    def _nearer(self, median2: int, left: int, right: int) -> int:
        """The smaller deviation of these two indices, of which one may be out of range."""
        prices = self._prices
        if left < 0:
            return 2 * prices[right] - median2
        if right >= len(prices):
            return median2 - 2 * prices[left]
        return min(median2 - 2 * prices[left], 2 * prices[right] - median2)
