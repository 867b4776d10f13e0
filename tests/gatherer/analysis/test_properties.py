"""What must hold whatever the prices are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatherer.analysis import AnalysisSettings, PositionAnalysis
from gatherer.panes import UNIT, Pane, details, from_details, merge, pack, unpack
from gatherer.window import WindowLength
from kafka_topic.statistics import STATISTICS

SETTINGS = AnalysisSettings(
    (WindowLength("3s", 3000, 1000), WindowLength("8s", 8000, 2000)), frozenset(STATISTICS), 5.0
)
# (milliseconds after the tick before, price); often the same instant, often the same price
steps = st.lists(
    st.tuples(st.sampled_from((0, 1, 300, 999, 1000, 4500)), st.integers(1, 10**6)), min_size=1, max_size=40
)


def _ticks(streams: Any, steps: Any) -> list[Any]:
    ms, ticks = streams.START, []
    for number, (later, price) in enumerate(steps):
        ms += later
        ticks.append(streams.Tick(ms, number, price * UNIT // 100))
    return ticks


def _averages(panes: list[Pane]) -> list[Any]:
    analysis, found = PositionAnalysis("AAPL", SETTINGS), []
    for pane in panes:
        assert analysis.add(pane)
    while (due := analysis.next_due()) is not None:
        found += analysis.advance(due)[0]
    return found


@given(steps, st.integers(1, 10**8))
def test_a_shift_moves_the_place_and_leaves_the_spread(streams: Any, steps: Any, shift: int) -> None:
    ticks = _ticks(streams, steps)
    shifted = [tick._replace(price=tick.price + shift * UNIT) for tick in ticks]
    pairs = list(zip(_averages(streams.panes_of(ticks)), _averages(streams.panes_of(shifted)), strict=True))
    for before, after in pairs:
        for name in ("last", "min", "max", "mean", "median"):
            assert getattr(after, name) == pytest.approx(getattr(before, name) + shift, rel=1e-15)
        assert (before.stddev, before.mad) == (after.stddev, after.mad)  # to the last bit


@given(steps, st.integers(2, 1000))
def test_a_scale_scales_all_but_what_is_relative(streams: Any, steps: Any, factor: int) -> None:
    ticks = _ticks(streams, steps)
    scaled = [tick._replace(price=tick.price * factor) for tick in ticks]
    names = ("last", "min", "max", "mean", "median", "stddev", "mad", "bollinger_upper")
    for before, after in zip(
        _averages(streams.panes_of(ticks)), _averages(streams.panes_of(scaled)), strict=True
    ):
        for name in names:
            if (value := getattr(before, name)) is not None:
                assert getattr(after, name) == pytest.approx(factor * value, rel=1e-14)
        for name in ("cv", "realized_vol", "ewma_vol"):
            if (value := getattr(before, name)) is not None:
                assert getattr(after, name) == pytest.approx(value, rel=1e-12)


@given(steps, st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(streams: Any, steps: Any, draw: Any) -> None:
    ticks = _ticks(streams, steps)
    wanted = _averages(streams.panes_of(ticks))
    parts = [streams.pane_of([tick]) for tick in ticks]
    draw.shuffle(parts)
    assert _averages(parts) == wanted


def _packed(*panes: Pane) -> bytes:
    rows = [(pane.end_ms, pane.last, pane.last_ms, pane.last_order, details(pane)) for pane in panes]
    return pack(*zip(*rows, strict=True))  # type: ignore[arg-type]


def _unpacked(data: bytes) -> list[Pane]:
    return [from_details(*row) for row in unpack(data, 1)]


@given(steps, st.integers(0, 40), st.integers(0, 40))
def test_panes_merge_in_any_grouping_and_order(streams: Any, steps: Any, first: int, second: int) -> None:
    ticks = [tick._replace(ms=streams.START + tick.ms % 1000) for tick in _ticks(streams, steps)]
    low, high = sorted((first, second))
    parts = [part for part in (ticks[:low], ticks[low:high], ticks[high:]) if part]
    panes = [streams.pane_of(part) for part in parts]
    whole = streams.pane_of(ticks)
    forward = panes[0]
    for pane in panes[1:]:
        forward = merge(forward, pane)
    backward = panes[-1]
    for pane in panes[-2::-1]:
        backward = merge(pane, backward)
    swapped = panes[-1]
    for pane in panes[-2::-1]:
        swapped = merge(swapped, pane)
    assert forward == backward == swapped == whole
    assert _unpacked(b"?" + _packed(whole, plain := whole._replace(histogram=None))) == [whole, plain]


def test_panes_of_different_stretches_do_not_merge(streams: Any) -> None:
    first, second = streams.panes_of(streams.ticks_at([1, 2], every_ms=1000))
    with pytest.raises(ValueError, match="not parts of one"):
        merge(first, second)


def test_a_pane_without_histogram_stays_one(streams: Any) -> None:
    plain = streams.pane_of(streams.ticks_at([1, 2]), histogram=False)
    assert _unpacked(b"?" + _packed(plain)) == [plain]
    assert merge(plain, streams.pane_of(streams.ticks_at([3]))).histogram is None
