"""Ticks, the panes that the Java part makes of them, and a brute-force recomputation from the ticks alone."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from gatherer.analysis import AnalysisSettings, PositionAnalysis
from gatherer.panes import UNIT, Histogram, Pane
from gatherer.window import WindowLength
from kafka_topic.contracts import MovingAverage, Signal
from kafka_topic.statistics import STATISTICS

START = 1_774_745_975_000  # a whole second
PANE_MS = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LENGTHS = (WindowLength("5s", 5000, 1000), WindowLength("12s", 12000, 3000), WindowLength("20s", 20000, 4000))
ALL = frozenset(STATISTICS)


class Tick(NamedTuple):
    """ms: event time. order: breaks ties. price: units."""

    ms: int
    order: int
    price: int


def pane_end(ms: int) -> int:
    return ms // PANE_MS * PANE_MS + PANE_MS


def pane_of(ticks: list[Tick], histogram: bool = True) -> Pane:
    """The pane of ticks of one stretch, by plain definitions."""
    prices = [tick.price for tick in ticks]
    low, high = min(prices), max(prices)
    latest = max(ticks, key=lambda tick: (tick.ms, tick.order))
    return Pane(
        end_ms=pane_end(ticks[0].ms),
        n=len(ticks),
        total=sum(prices),
        sum_of_squares=sum(price * price for price in prices),
        low=low,
        high=high,
        low_ms=min(tick.ms for tick in ticks if tick.price == low),
        high_ms=min(tick.ms for tick in ticks if tick.price == high),
        last=latest.price,
        last_ms=latest.ms,
        last_order=latest.order,
        histogram=Histogram.of(Counter(prices)) if histogram else None,
    )


def panes_of(ticks: Iterable[Tick], histogram: bool = True) -> list[Pane]:
    """All panes, in order."""
    parts: dict[int, list[Tick]] = defaultdict(list)
    for tick in ticks:
        parts[pane_end(tick.ms)].append(tick)
    return [pane_of(parts[end], histogram) for end in sorted(parts)]


def ticks_at(prices: Iterable[int], every_ms: int = 100, start: int = START) -> list[Tick]:
    """Ticks at even times."""
    return [Tick(start + every_ms * number, number, price) for number, price in enumerate(prices)]


class Run:
    """A position fed as the job feeds it, with a log of what came and went in order."""

    def __init__(self, analysis: PositionAnalysis, bound_ms: int = 0) -> None:
        self.analysis = analysis
        self.accepted: list[Tick] = []
        self.late: list[Tick] = []
        self.dead: list[Tick] = []
        self.averages: list[tuple[MovingAverage, int]] = []  # with how many ticks were accepted before
        self.owed: set[tuple[str, int]] = (
            set()
        )  # windows that a tick is in and that weren't emitted before it
        self._emitted = 0
        self.signals: list[Signal] = []
        self._bound_ms = bound_ms
        self._latest = START - 10**9
        self._open: dict[int, list[Tick]] = defaultdict(list)

    def tick(self, tick: Tick) -> None:
        """One tick: into its pane, or by itself when that has closed."""
        if pane_end(tick.ms) <= self._latest - self._bound_ms:
            self.late.append(tick)
            (self.accepted if self.analysis.add(pane_of([tick])) else self.dead).append(tick)
            assert bool(self._owe(tick)) == (tick is not self.dead[-1] if self.dead else True)
        else:
            self._owe(tick)
            self._open[pane_end(tick.ms)].append(tick)
        self.time(tick.ms)

    def _owe(self, tick: Tick) -> set[tuple[str, int]]:
        owed = set()
        for label, length, slide in LENGTHS:
            for end in range(tick.ms // slide * slide + slide, tick.ms + length + 1, slide):
                if end > self._emitted:
                    owed.add((label, end))
        self.owed |= owed
        return owed

    def time(self, ms: int) -> None:
        """Event time has come to here: close panes, then windows."""
        self._latest = max(self._latest, ms)
        watermark = self._latest - self._bound_ms
        for end in sorted(end for end in self._open if end <= watermark):
            ticks = self._open.pop(end)
            assert self.analysis.add(pane_of(ticks))
            self.accepted += ticks
        self.advance(watermark)

    def pane(self, pane: Pane) -> list[Signal]:
        """A whole pane and the windows that it closes; their signals."""
        before = len(self.signals)
        assert self.analysis.add(pane)
        self.advance(pane.end_ms)
        return self.signals[before:]

    def end(self) -> None:
        """No more ticks: everything is due."""
        self.time(self._latest + 10**8)
        assert self.analysis.next_due() is None

    def advance(self, watermark: int) -> None:
        while (due := self.analysis.next_due()) is not None and due <= watermark:
            assert due > self._emitted
            self._emitted = due
            averages, signals = self.analysis.advance(due)
            assert averages
            self.averages += [(average, len(self.accepted)) for average in averages]
            self.signals += signals


def exact(units: Fraction | int) -> float:
    return float(Fraction(units) / UNIT)


def log_return(before: int, after: int) -> float:
    with localcontext(prec=50):
        return float((Decimal(after) / Decimal(before)).ln())


def expected(ticks: list[Tick], accepted: list[Tick], start: int, end: int) -> dict[str, Any]:
    """Every statistic of one window from its ticks; `accepted` has those before it too."""
    n = len(ticks)
    prices = [Fraction(tick.price) for tick in ticks]
    mean = sum(prices) / n
    variance = sum((price - mean) ** 2 for price in prices) / (n - 1) if n > 1 else None
    deviation = None
    if variance is not None:
        with localcontext(prec=60):
            root = (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
            deviation = float(root / UNIT)
    skewness = None
    if n > 2 and variance:
        with localcontext(prec=60):
            # By its other form: the sum of the cubes of standardised prices, times n / ((n - 1) (n - 2)).
            cubes = sum((price - mean) ** 3 for price in prices) * Fraction(n, (n - 1) * (n - 2))
            sigma = (Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt()
            skewness = float(Decimal(cubes.numerator) / Decimal(cubes.denominator) / sigma**3)
    median = statistics.median(prices)
    last: dict[int, Tick] = {}
    for tick in accepted:
        known = last.get(pane_end(tick.ms))
        if pane_end(tick.ms) <= end and (known is None or (tick.ms, tick.order) > (known.ms, known.order)):
            last[pane_end(tick.ms)] = tick
    ends = sorted(last)
    pairs = [
        (last[before].price, last[after].price)
        for before, after in itertools.pairwise(ends)
        if start < after <= end
    ]
    defined = pairs and all(min(pair) > 0 for pair in pairs)
    squares = [log_return(*pair) ** 2 for pair in pairs] if defined else []
    center = exact(mean)
    return {
        "count": n,
        "last": exact(max(ticks, key=lambda tick: (tick.ms, tick.order)).price),
        "min": exact(min(tick.price for tick in ticks)),
        "max": exact(max(tick.price for tick in ticks)),
        "mean": center,
        "stddev": deviation,
        "cv": None if deviation is None or center == 0 else 100 * deviation / abs(center),
        "median": exact(median),
        "mad": exact(statistics.median(abs(price - median) for price in prices) * Fraction("1.4826")),
        "realized_vol": math.sqrt(math.fsum(squares)) if squares else None,
        "bollinger_upper": None if deviation is None else center + 2 * deviation,
        "skewness": skewness,
        "bollinger_lower": None if deviation is None else center - 2 * deviation,
    }


def milliseconds(time: datetime) -> int:
    return (time - EPOCH) // timedelta(milliseconds=1)


@pytest.fixture(scope="session")
def streams() -> Any:
    """What this file defines."""
    import sys

    return sys.modules[__name__]


@pytest.fixture
def settings() -> AnalysisSettings:
    return AnalysisSettings(LENGTHS, ALL, ewma_half_life_seconds=5.0)


@pytest.fixture
def run_of() -> Callable[..., Run]:
    def make(settings: AnalysisSettings, bound_ms: int = 0) -> Run:
        return Run(PositionAnalysis("AAPL", settings), bound_ms)

    return make


@pytest.fixture
def check() -> Callable[[Run, AnalysisSettings], int]:
    """Compares every window of a run that is over; returns how many there were."""

    def compare(run: Run, settings: AnalysisSettings) -> int:
        seen = set()
        for average, number in run.averages:
            end, start = milliseconds(average.window_end), milliseconds(average.window_start)
            known = run.accepted[:number]
            wanted = expected([tick for tick in known if start <= tick.ms < end], known, start, end)
            for name, value in wanted.items():
                got = getattr(average, name)
                if isinstance(value, float):
                    assert got == pytest.approx(value, rel=1e-14, abs=0), (name, average)
                else:
                    assert got == value, (name, average)
            assert (average.window, end) not in seen
            seen.add((average.window, end))
        assert seen == run.owed
        return len(seen)

    return compare


def walk(seed: int, start: int, step: int) -> Iterable[int]:
    draw, price = random.Random(seed), start
    while True:
        price = max(step, price + step * draw.choice((-1, 0, 1)))
        yield price
