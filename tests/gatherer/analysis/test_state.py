"""A position continues from its panes and its small state, and neither grows with the ticks."""

from __future__ import annotations

import marshal
import math
import pickle
import random
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatherer.analysis import AnalysisSettings, PositionAnalysis
from gatherer.panes import UNIT, Pane
from gatherer.window import WindowLength
from kafka_topic.contracts import Limits
from kafka_topic.statistics import STATISTICS

CENT = UNIT // 100
SETTINGS = AnalysisSettings(
    (WindowLength("5s", 5000, 1000), WindowLength("12s", 12000, 3000), WindowLength("90s", 90_000, 5000)),
    frozenset(STATISTICS),
    5.0,
    {
        "regime": {"window": "12s", "high": 0.02, "low": 0.01},
        "anomaly": {"window": "12s", "sigmas": 3},  # looked at between its ends, too
        "limit": {"window": "90s", "horizon_seconds": 20, "probability": 0.5},
        "gap": {"window": "12s", "after_seconds": 4},
    },
)
LIMITS = Limits("AAPL", datetime(2026, 1, 1, tzinfo=UTC), buy=99.9, sell=100.1, anomaly_sigmas=2.5)


class Stored:
    """The caller's part: keeps blocks of panes and small state as bytes, and nothing else."""

    def __init__(self) -> None:
        self.blocks: dict[int, bytes] = {}
        self.analysis = PositionAnalysis("AAPL", SETTINGS)

    def add(self, pane: Pane) -> bool:
        return self.analysis.add(pane)

    def advance(self, until: int) -> list[Any]:
        out: list[Any] = []
        while (due := self.analysis.next_due()) is not None and due <= until:
            out.append(self.analysis.advance(due))
        return out

    def save(self) -> None:
        for key, block in self.analysis.changes():
            if block is None:
                self.blocks.pop(key, None)
            else:
                self.blocks[key] = block

    def restart(self) -> None:
        self.save()
        small = self.analysis.small_state()
        assert len(small) < 600
        self.analysis = PositionAnalysis("AAPL", SETTINGS)
        self.analysis.restore(self.blocks, small)


def _script(streams: Any, seed: int, length: int, lowered: int = 0) -> list[Any]:
    """Panes, late ticks, watermarks that jump, limits: what can come, in order. lowered: units."""
    draw = random.Random(seed)
    prices = (price - lowered for price in streams.walk(seed, 100 * UNIT, CENT))
    script, start = [], streams.START
    ahead = start
    for number in range(length):
        kind = draw.random()
        if kind < 0.7 or number < 5:
            ticks = [
                streams.Tick(start + draw.randrange(1000), 10 * number + i, price)
                for i, price in enumerate(islice(prices, draw.randrange(1, 6)))
            ]
            script.append(("add", streams.pane_of(ticks)))
            start += 1000 if draw.random() < 0.93 else draw.choice((7000, 30_000, 200_000))
        elif kind < 0.85:
            late = streams.Tick(start - draw.choice((500, 3000, 8000, 60_000, 100_000)), number, next(prices))
            script.append(("add", streams.pane_of([late])))
        elif kind < 0.9:
            script.append(("limits", draw.choice((LIMITS, None, LIMITS))))
        ahead = max(ahead, start - draw.choice((0, 0, 2000, 6000)))
        script.append(("advance", ahead))
    script.append(("advance", ahead + 10**7))
    return script


def _run(script: list[Any], restarts: set[int]) -> list[Any]:
    stored, out = Stored(), []
    for number, (what, value) in enumerate(script):
        if number in restarts:
            stored.restart()
        if what == "add":
            out.append(stored.add(value))
        elif what == "advance":
            out += stored.advance(value)
        else:
            stored.analysis.set_limits(value)
    # What a signal may still look at if a tick follows at once: less than the longest slide, in two blocks.
    stored.save()
    assert len(stored.blocks) <= 2
    return out


@hypothesis.settings(max_examples=30)
@given(st.integers(0, 10**6), st.sets(st.integers(0, 150), max_size=5))
def test_a_restart_at_any_point_changes_nothing(streams: Any, seed: int, restarts: set[int]) -> None:
    script = _script(streams, seed, 80)
    assert _run(script, restarts) == _run(script, set())


def test_a_restart_at_every_point_changes_nothing(streams: Any) -> None:
    script = _script(streams, 1, 400)
    plain = _run(script, set())
    assert _run(script, set(range(len(script)))) == plain
    kinds = {signal.kind for each in plain if not isinstance(each, bool) for signal in each[1]}
    assert kinds == {"regime", "anomaly", "limit", "gap"}
    assert False in plain and True in plain


def test_a_restart_changes_nothing_while_prices_cross_0(streams: Any) -> None:
    script = _script(streams, 3, 300, lowered=100 * UNIT)
    plain = _run(script, set())
    assert _run(script, set(range(len(script)))) == plain
    known = {average.realized_vol is None for each in plain if isinstance(each, tuple) for average in each[0]}
    assert known == {True, False}


def test_windows_that_became_longer_have_no_return_between_panes_that_are_not_neighbours(
    streams: Any,
) -> None:
    short = AnalysisSettings((WindowLength("5s", 5000, 1000),), frozenset(STATISTICS))
    longer = short._replace(windows=(*short.windows, WindowLength("1m", 60_000, 1000)))
    prices = [100 * UNIT + 10 * CENT * number for number in range(40)]
    panes = streams.panes_of(streams.ticks_at(prices, every_ms=1000))
    logs = [streams.log_return(*pair) for pair in pairwise(prices)]
    for stopped in range(20, 38):  # at any place of a block
        before, kept = PositionAnalysis("AAPL", short), {}
        for pane in panes[:stopped]:
            before.add(pane)
            list(before.close(pane.end_ms))
            kept = {key: block for key, block in {**kept, **dict(before.changes())}.items() if block}
        after = PositionAnalysis("AAPL", longer)
        after.restore(kept, before.small_state())
        after.add(panes[stopped])
        ((averages, _),) = after.close(panes[stopped].end_ms)
        (average,) = (each for each in averages if each.window == "1m")
        # The return of the first pane is known only if the pane before it was the last that was dropped.
        last = logs[:stopped][-average.count :]
        exact = [math.sqrt(sum(log * log for log in part)) for part in (last, last[1:])]
        assert any(average.realized_vol == pytest.approx(each, rel=1e-9) for each in exact), stopped


def _size_after(streams: Any, panes: int, ticks: int, prices: int) -> tuple[int, int]:
    """Bytes of the whole object, and of what the caller keeps, after panes of so many ticks."""
    draw, stored = random.Random(2), Stored()
    stored.analysis.set_limits(LIMITS)
    for number in range(panes):
        start = streams.START + 1000 * number
        chosen = [100 * UNIT + CENT * (i % prices) for i in range(ticks)]
        draw.shuffle(chosen)
        stored.add(streams.pane_of([streams.Tick(start, i, price) for i, price in enumerate(chosen)]))
        stored.advance(start + 1000)
    stored.save()
    kept = sum(map(len, stored.blocks.values())) + len(stored.analysis.small_state())
    return len(pickle.dumps(stored.analysis)), kept


def test_state_grows_with_panes_and_distinct_prices_and_not_with_ticks(streams: Any) -> None:
    usual = _size_after(streams, 200, 20, 10)
    many_ticks = _size_after(streams, 200, 2000, 10)
    long = _size_after(streams, 800, 20, 10)
    for few, many, later in zip(usual, many_ticks, long, strict=True):
        assert many < 1.2 * few  # a hundred times the ticks: some numbers have more digits
        assert later < 1.05 * few  # beyond the longest window nothing is kept
    assert _size_after(streams, 20, 20, 10)[1] < usual[1] / 4  # but it does grow with the panes in the window
    assert _size_after(streams, 200, 20, 20)[1] > 1.3 * usual[1]  # and with the prices


def test_a_drifting_price_leaves_nothing_behind(streams: Any) -> None:
    """Lows, highs and prices of a window go with their panes, even if no price ever returns."""
    sizes = []
    stored = Stored()
    for number in range(1200):
        tick = streams.Tick(streams.START + 1000 * number, number, 1000 * UNIT - CENT * number)
        stored.add(streams.pane_of([tick]))
        stored.advance(tick.ms + 1000)
        sizes.append(len(pickle.dumps(stored.analysis)))
    assert max(sizes) < 1.2 * sizes[250]


def test_state_of_another_version_is_refused(streams: Any) -> None:
    analysis = PositionAnalysis("AAPL", SETTINGS)
    analysis.add(streams.pane_of(streams.ticks_at([1])))
    small = analysis.small_state()
    ((key, block),) = analysis.changes()
    assert block is not None
    with pytest.raises(ValueError, match="the panes have version 0"):
        PositionAnalysis("AAPL", SETTINGS).restore({key: b"\0" + block[1:]}, small)
    of_version_0 = marshal.dumps((0, *marshal.loads(small)[1:]))  # noqa: S302
    with pytest.raises(ValueError, match="the state has version 0"):
        PositionAnalysis("AAPL", SETTINGS).restore({key: block}, of_version_0)


def _changed_state(small: bytes, kind: str, version: int, state: dict[str, Any]) -> bytes:
    *others, signals = marshal.loads(small)  # noqa: S302
    return marshal.dumps((*others, {**signals, kind: (version, state)}))


def test_a_signals_state_of_another_version_is_refused_by_name() -> None:
    analysis = PositionAnalysis("AAPL", SETTINGS)
    other = _changed_state(analysis.small_state(), "regime", 7, {"regime": None, "high": None, "low": None})
    with pytest.raises(ValueError, match="state of regime has version 7, not 1"):
        analysis.restore({}, other)


def test_a_signals_state_that_changed_without_a_new_version_is_refused() -> None:
    analysis = PositionAnalysis("AAPL", SETTINGS)
    other = _changed_state(analysis.small_state(), "limit", 1, {"limits": (), "markets": ()})
    with pytest.raises(
        ValueError, match="state of limit holds limits, markets, and version 1 holds limits, m"
    ):
        analysis.restore({}, other)


def test_a_signal_that_was_off_begins_anew_and_one_that_is_off_is_forgotten(streams: Any) -> None:
    regime, limit = ({kind: SETTINGS.signals[kind]} for kind in ("regime", "limit"))
    before = PositionAnalysis("AAPL", SETTINGS._replace(signals=regime))
    before.add(streams.pane_of(streams.ticks_at([UNIT, 2 * UNIT])))
    assert [signal.event for _, signals in before.close(streams.START + 12_000) for signal in signals]
    after = PositionAnalysis("AAPL", SETTINGS._replace(signals=limit))
    after.restore({}, before.small_state())
    fresh = PositionAnalysis("AAPL", SETTINGS._replace(signals=limit))
    assert marshal.loads(after.small_state())[-1] == marshal.loads(fresh.small_state())[-1]  # noqa: S302


def test_a_time_that_is_not_due_is_refused(streams: Any) -> None:
    analysis = PositionAnalysis("AAPL", SETTINGS)
    assert analysis.next_due() is None
    with pytest.raises(ValueError, match="nothing of AAPL is due"):
        analysis.advance(streams.START + 1000)
    analysis.add(streams.pane_of(streams.ticks_at([UNIT])))
    assert analysis.next_due() == streams.START + 1000
    with pytest.raises(ValueError, match="nothing of AAPL is due"):
        analysis.advance(streams.START)
    analysis.advance(streams.START + 1000)
    with pytest.raises(ValueError, match="nothing of AAPL is due"):
        analysis.advance(streams.START + 1000)
