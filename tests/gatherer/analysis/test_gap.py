"""Silences, against a search through the ticks alone."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gatherer.analysis import AnalysisSettings
from gatherer.panes import UNIT


def _settings(streams: Any, window: str, after_seconds: float, **others: Any) -> AnalysisSettings:
    gap = {"gap": {"window": window, "after_seconds": after_seconds}}
    return AnalysisSettings(streams.LENGTHS, frozenset(), signals={**gap, **others})


def _expected(streams: Any, run: Any, window: str, after_ms: float) -> list[tuple[int, float]]:
    """At each end of the window that was written: the end, and for how long there was no tick."""
    found, told = [], None
    for average, number in run.averages:
        if average.window != window:
            continue
        end = streams.milliseconds(average.window_end)
        last = max(tick.ms for tick in run.accepted[:number] if tick.ms < end)
        if end - last >= after_ms and last != told:
            found.append((end, (end - last) / 1000))
            told = last
    return found


@pytest.mark.parametrize(
    ("window", "after_seconds"), [("5s", 1.5), ("5s", 4), ("12s", 9), ("20s", 0.25), ("20s", 16)]
)
@pytest.mark.parametrize("bound_ms", [0, 2000])
def test_every_gap_is_reported_once_at_the_first_window_end_after_it(
    window: str, after_seconds: float, bound_ms: int, streams: Any, run_of: Any
) -> None:
    draw = random.Random(bound_ms)
    # Another kind looks at the same window more often, which changes nothing.
    anomaly = {"anomaly": {"window": window, "sigmas": 6}} if bound_ms else {}
    run = run_of(_settings(streams, window, after_seconds, **anomaly), bound_ms)
    ms = streams.START
    for number in range(900):
        ms += draw.choice((10, 50, 100, 100))
        if draw.random() < 0.04:
            ms += draw.choice((1000, 1600, 3000, 5000, 9000, 17_000, 40_000))
        delay = draw.choice((0, 0, 0, 100, 1500, 6000))
        run.tick(streams.Tick(ms - delay, number, 100 * UNIT))
    run.end()
    told = [signal for signal in run.signals if signal.kind == "gap"]
    assert [(streams.milliseconds(each.time), each.value) for each in told] == _expected(
        streams, run, window, 1000 * after_seconds
    )
    assert len(told) >= 5
    assert {(each.event, each.window, each.threshold) for each in told} == {("silent", window, after_seconds)}


def test_a_gap_is_reported_while_it_lasts_and_the_next_one_again(streams: Any, run_of: Any) -> None:
    run = run_of(_settings(streams, "5s", 3))
    start = streams.START
    run.tick(streams.Tick(start + 100, 0, 100 * UNIT))
    run.time(start + 3999)
    assert not run.signals
    run.time(start + 4000)
    (first,) = run.signals
    assert streams.milliseconds(first.time) == start + 4000
    assert (first.price, first.value) == (100.0, 3.9)
    assert first.reason == "There was no tick for 3.9 s, which is at least 3 s."
    run.time(start + 60_000)
    assert run.signals == [first]
    run.tick(streams.Tick(start + 60_500, 1, 101 * UNIT))
    run.end()
    assert [streams.milliseconds(each.time) - start for each in run.signals] == [4000, 64_000]
