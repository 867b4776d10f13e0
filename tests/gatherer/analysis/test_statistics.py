"""Every statistic of every window, on awkward streams, against a recomputation from the ticks."""

from __future__ import annotations

import math
import random
import statistics as oracle
from collections import Counter
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatherer.multiset import PriceMultiset
from gatherer.panes import UNIT, Histogram
from gatherer.returns import SQUARE_ONE, log_return, square

CENT = UNIT // 100


def _jumps(draw: random.Random) -> list[int]:
    return [draw.choice((CENT, 10**16 - CENT)) for _ in range(500)]


@pytest.mark.parametrize(
    "name",
    [
        *("walk", "million", "huge", "tiny", "fine", "constant", "jumps", "one_jump", "coarse", "large_step"),
        *("negative", "crossing", "nothing"),
    ],
)
def test_every_window_is_exact(name: str, streams: Any, settings: Any, run_of: Any, check: Any) -> None:
    draw = random.Random(5)
    prices = {
        "walk": lambda: islice(streams.walk(1, 100 * UNIT, CENT), 500),
        "million": lambda: islice(streams.walk(2, 10**6 * UNIT, CENT), 500),
        "huge": lambda: islice(streams.walk(3, 10**8 * UNIT, 2 * CENT), 500),
        "tiny": lambda: islice(streams.walk(4, UNIT // 10**4, UNIT // 10**6), 500),
        "fine": lambda: islice(streams.walk(5, 123456712345678, 1), 500),
        "constant": lambda: [2379 * CENT] * 500,
        "jumps": lambda: _jumps(draw),
        "one_jump": lambda: [100 * UNIT] * 250 + [150 * UNIT] * 250,
        "coarse": lambda: (draw.choice((99, 100, 100, 100, 101)) * CENT for _ in range(500)),
        "large_step": lambda: (draw.randrange(1, 10**17) for _ in range(500)),
        "negative": lambda: (-price for price in islice(streams.walk(6, 37 * UNIT, CENT), 500)),
        "crossing": lambda: (price - 95 * CENT for price in islice(streams.walk(1, UNIT, CENT), 500)),
        "nothing": lambda: [0] * 500,
    }[name]()
    run = run_of(settings)
    for tick in streams.ticks_at(prices):
        run.tick(tick)
    run.end()
    assert check(run, settings) > 50 + 16 + 12
    if name == "constant":
        for average, _ in run.averages:
            assert average.stddev == average.cv == average.mad == 0.0
            assert average.realized_vol in (None, 0.0) and average.ewma_vol in (None, 0.0)
    if name in ("negative", "nothing"):
        assert {(each.realized_vol, each.ewma_vol) for each, _ in run.averages} == {(None, None)}
    if name == "crossing":
        assert len({each.realized_vol for each, _ in run.averages}) > 2


@pytest.mark.parametrize("bound_ms", [0, 500, 2000])
def test_every_window_is_exact_with_late_ticks_gaps_and_ties(
    bound_ms: int, streams: Any, settings: Any, run_of: Any, check: Any
) -> None:
    draw = random.Random(bound_ms)
    run = run_of(settings, bound_ms)
    prices = iter(streams.walk(6, 50 * UNIT, CENT))
    ms = streams.START
    for number in range(1500):
        ms += draw.choice((0, 0, 10, 50, 100, 200))
        if draw.random() < 0.01:
            ms += draw.choice((3000, 9000, 40_000))
        delay = draw.choice((0, 0, 0, 100, 400, 1500, 6000, 15_000, 25_000))
        run.tick(streams.Tick(ms - delay, number, next(prices)))
    run.end()
    assert check(run, settings) > 200
    assert run.dead and len(run.late) > len(run.dead)


def test_skewness_is_null_without_three_ticks_or_a_deviation_and_of_the_sign_of_the_longer_tail(
    streams: Any, settings: Any, run_of: Any
) -> None:
    for prices, wanted in (
        ([100, 101], None),
        ([100, 100, 100, 100], None),
        ([100, 101, 102], 0.0),
        # Of 0, 0, 0, 1: m3 / m2^1.5 = 2 / sqrt(3), times sqrt(12) / 2.
        ([100, 100, 100, 101], 2.0),
        ([101, 101, 101, 100], -2.0),
    ):
        run = run_of(settings)
        run.pane(streams.pane_of(streams.ticks_at([price * UNIT for price in prices])))
        (average,) = {each.skewness for each, _ in run.averages}
        assert average == (wanted and pytest.approx(wanted, rel=1e-15))


def test_two_ticks_of_an_instant_are_ordered_by_their_offset(
    streams: Any, settings: Any, run_of: Any, check: Any
) -> None:
    run = run_of(settings)
    for order, price in ((2, 300), (3, 100), (1, 200)):
        run.tick(streams.Tick(streams.START + 7, order, price))
    run.end()
    assert check(run, settings)
    assert {average.last for average, _ in run.averages} == {100 / UNIT}


def test_a_late_tick_counts_in_windows_that_are_open_and_in_no_other(
    streams: Any, settings: Any, run_of: Any
) -> None:
    run = run_of(settings)
    start = streams.START
    for tick in streams.ticks_at([100 * UNIT] * 81):  # 8 s
        run.tick(tick)
    assert run.analysis.add(streams.pane_of([streams.Tick(start + 3500, 999, 90 * UNIT)]))
    run.time(start + 9000)
    counts = {
        streams.milliseconds(average.window_end) - start: (average.count, average.min)
        for average, _ in run.averages
        if average.window == "5s"
    }
    assert counts[8000] == (50, 100.0)
    assert counts[9000] == (41, 100.0)  # [4 s, 9 s) does not hold it
    assert run.analysis.add(streams.pane_of([streams.Tick(start + 5500, 999, 90 * UNIT)]))
    run.time(start + 10_000)
    last = {average.window: average for average, _ in run.averages}["5s"]
    assert (last.count, last.min) == (32, 90.0)


def test_a_tick_is_too_late_exactly_when_no_window_is_left(streams: Any, settings: Any, run_of: Any) -> None:
    for seconds in range(30, 43):  # wherever the slides of 1, 3 and 4 s are
        emitted = streams.START + 1000 * seconds
        run = run_of(settings)
        for tick in streams.ticks_at([UNIT] * seconds, every_ms=1000):
            run.tick(tick)
        run.time(emitted)
        for back in range(26):
            ms = emitted - 1000 * back - 500
            left = [
                end
                for _, length, slide in settings.windows
                for end in range(ms // slide * slide + slide, ms + length + 1, slide)
                if end > emitted
            ]
            late = streams.pane_of([streams.Tick(ms, 999, UNIT)])
            assert run.analysis.add(late) == bool(left), (seconds, back)


def test_only_the_statistics_asked_for_are_there(streams: Any, settings: Any, run_of: Any) -> None:
    for wanted in ({"median"}, {"mad", "bollinger"}, {"realized_vol"}, {"ewma_vol"}, set()):
        chosen = settings._replace(statistics=frozenset(wanted))
        assert chosen.with_histograms == bool(wanted & {"median", "mad"})
        run = run_of(chosen)
        for pane in streams.panes_of(
            streams.ticks_at([100 * UNIT, 101 * UNIT] * 50), histogram=chosen.with_histograms
        ):
            run.pane(pane)
        average = run.averages[-1][0]
        assert average.statistics == wanted
        assert (average.median is not None) == ("median" in wanted)


def test_ewma_is_the_weighted_mean_of_squared_returns_by_definition(
    streams: Any, settings: Any, run_of: Any
) -> None:
    half_life, draw = 5.0, random.Random(8)
    ms, ticks = streams.START, []
    for number, price in enumerate(islice(streams.walk(7, 100 * UNIT, 10 * CENT), 300)):
        ms += draw.choice((1, 30, 170, 900, 2600))
        ticks.append(streams.Tick(ms, number, price))
    run = run_of(settings)
    for tick in ticks:
        run.tick(tick)
    run.end()
    compared = 0
    samples = [(pane.last_ms, pane.last, pane.end_ms) for pane in streams.panes_of(ticks)]
    for average, _ in run.averages:
        until = [sample for sample in samples if sample[2] <= streams.milliseconds(average.window_end)]
        weighted = weights = 0.0
        newest = until[-1][0]
        for (before_ms, before, _), (after_ms, after, _) in pairwise(until):
            seconds = (after_ms - before_ms) / 1000
            # The weight of an age is 2^(-age / half-life), integrated over the time of the return.
            weight = 2 ** (-(newest - after_ms) / 1000 / half_life) - 2 ** (
                -(newest - before_ms) / 1000 / half_life
            )
            weighted += weight * streams.log_return(before, after) ** 2 / seconds
            weights += weight
        if weights:
            assert average.ewma_vol == pytest.approx(math.sqrt(weighted / weights), rel=1e-9)
            compared += 1
        else:
            assert average.ewma_vol is None
    assert compared > 100


def test_ewma_starts_over_after_a_price_without_a_logarithm(streams: Any, settings: Any, run_of: Any) -> None:
    prices = [5, 6, 0, 5, 6, 7, -1, 8, 9]
    run = run_of(settings)
    for tick in streams.ticks_at((price * UNIT for price in prices), every_ms=1000):
        run.tick(tick)
    run.end()
    known = {streams.milliseconds(each.window_end): each.ewma_vol for each, _ in run.averages}
    volatility = [known[streams.pane_end(streams.START + 1000 * number)] for number in range(len(prices))]
    first, again = streams.log_return(5, 6), streams.log_return(8, 9)
    assert [value is None for value in volatility] == [
        True,
        False,
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]
    assert volatility[1] == volatility[4] == pytest.approx(first)
    assert volatility[8] == pytest.approx(again)


@pytest.mark.parametrize(
    ("before", "after"), [(10**16, 10**16 + 1), (10**17 - 1, 1), (1, 10**17 - 1), (10**10, 10**10 + 10**6)]
)
def test_a_log_return_keeps_its_digits(before: int, after: int, streams: Any) -> None:
    got = log_return(before, after)
    assert got == pytest.approx(streams.log_return(before, after), rel=1e-14)
    assert square(got) / SQUARE_ONE == pytest.approx(got**2, rel=1e-15)


histograms = st.dictionaries(st.integers(-30, 60), st.integers(1, 5), min_size=1, max_size=12)


@given(st.lists(histograms, min_size=1, max_size=12), st.integers(1, 8))
def test_the_multiset_has_the_median_and_mad_of_what_it_holds(parts: Any, length: int) -> None:
    multiset = PriceMultiset()
    for number, part in enumerate(parts):
        multiset.add(Histogram.of(part))
        if number >= length:
            multiset.remove(Histogram.of(parts[number - length]))
        held: Counter[int] = Counter()
        for each in parts[max(0, number - length + 1) : number + 1]:
            held.update(each)
        prices = [Fraction(price) for price in held.elements()]
        median = oracle.median(prices)
        median2, mad4 = multiset.order_statistics()
        assert Fraction(median2, 2) == median
        assert Fraction(mad4, 4) == oracle.median(abs(price - median) for price in prices)
        assert len(multiset) == len(prices) and multiset.items() == sorted(held.items())
