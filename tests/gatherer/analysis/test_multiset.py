"""The order statistics of prices that come and go, against their plain definitions."""

from __future__ import annotations

import statistics
from collections import Counter
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gatherer.multiset import PriceMultiset
from gatherer.panes import Histogram

# Few prices, so that some are equal, some vanish, and some return.
panes = st.lists(st.lists(st.integers(-12, 12), min_size=1, max_size=12), min_size=1, max_size=25)


# State of an earlier version may hold prices in another order.
@given(panes, st.integers(1, 5), st.sampled_from((1, -1)))
def test_order_statistics_are_those_of_the_prices_that_are_left(
    panes: list[list[int]], kept: int, order: int
) -> None:
    multiset = PriceMultiset()
    for number, pane in enumerate(panes):
        if len(pane) == 1:
            multiset.add_ticks(pane)
        else:
            multiset.add(_histogram(pane, order))
        if number >= kept:
            left = panes[number - kept]
            if len(left) == 1:
                multiset.remove_ticks(left)
            else:
                multiset.remove(_histogram(left, order))
        prices = [Fraction(price) for each in panes[max(0, number + 1 - kept) : number + 1] for price in each]
        median = statistics.median(prices)
        deviation = statistics.median(abs(price - median) for price in prices)
        assert multiset.order_statistics() == (2 * median, 4 * deviation)
        assert multiset.items() == sorted(Counter(map(int, prices)).items())
        assert len(multiset) == len(prices)
        assert (multiset.low, multiset.high) == (min(prices), max(prices))


def _histogram(prices: list[int], order: int) -> Histogram:
    histogram = Histogram.of(Counter(prices))
    return Histogram(*(column[::order] for column in histogram))
