"""Figures from sums, and bounds in whole numbers, against their definitions in fractions."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.figures import MOST, SPLIT, UNITS, Figures, Sums, price_of, price_text
from tests.spark_jobs import exact

_PRICES = st.one_of(
    st.integers(1, MOST),
    st.integers(10**14, 10**14 + 10**7),  # near 1e6, a few cents apart
    st.integers(1, 9),
)


def figures_of(units: Sequence[int]) -> Figures:
    halves = [divmod(unit, SPLIT) for unit in units]
    sums = Sums(
        len(units),
        sum(units),
        sum(high * high for high, _ in halves),
        sum(high * low for high, low in halves),
        sum(low * low for _, low in halves),
    )
    median2 = int(2 * median(map(Fraction, units)))
    mad4 = int(2 * median(abs(2 * Fraction(unit) - median2) for unit in units))
    return Figures("A", sums, min(units), max(units), median2, mad4)


@given(st.lists(_PRICES, min_size=1, max_size=12))
def test_mean_and_deviation_are_exact_but_for_the_last_rounding(units):
    wanted = exact.figures([price_of(unit) for unit in units])
    found = figures_of(units)
    assert found.sums.mean() == wanted["mean"]
    assert found.sums.stddev() == wanted["stddev"]


@given(st.lists(_PRICES, min_size=1, max_size=30), st.data())
def test_bounds_part_the_outliers_from_the_others(units, data):
    values = [Fraction(unit, UNITS) for unit in units]
    found = figures_of(units)
    for method, (low, high) in (("sigma", found.inside_sigma()), ("hampel", found.inside_hampel())):
        near = data.draw(st.sampled_from([low - 1, low, high, high + 1, *units]))
        if 0 <= near <= MOST and (method == "hampel" or len(units) > 1):
            assert (not low <= near <= high) == exact.is_outlier(method, Fraction(near, UNITS), values)


def test_one_price_is_no_outlier():
    found = figures_of([5])
    assert found.sums.stddev() is None
    assert found.inside_sigma() == (0, MOST) and found.inside_hampel() == (5, 5)


@pytest.mark.parametrize(
    ("price", "text"),
    [("238.32", "238.32"), ("5", "5.00"), ("0.00000001", "0.00000001"), ("999999999.99", "999999999.99")],
)
def test_a_price_has_two_decimals_or_more(price, text):
    assert price_text(Decimal(price)) == text
