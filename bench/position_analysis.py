"""Measures panes per second of the gatherer's Python part: PositionAnalysis, without Flink.

    python bench/position_analysis.py [--positions 20] [--seconds 1200] [--ticks 50]

Seeded GBM prices in whole cents, panes of 1 s, the default windows (10 s every 1 s, 1 min every 5 s, 10 min
every 10 s) and subsets of them. A pane's cost is that of `add`, of the windows that it closes, and of the
state that a checkpoint would take (the pane and the small state as bytes).
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from datetime import UTC, datetime

import numpy as np

from data_generator.models import MODELS, position_random
from gatherer.analysis import AnalysisSettings, PositionAnalysis
from gatherer.panes import UNIT, Pane
from gatherer.window import WindowLength
from kafka_topic.contracts import Limits
from kafka_topic.statistics import DEFAULT_STATISTICS, read_statistics

START = 1_774_745_970_000
WINDOWS = (
    WindowLength("10s", 10_000, 1000),
    WindowLength("1m", 60_000, 5000),
    WindowLength("10m", 600_000, 10_000),
)
EVERYTHING = frozenset(read_statistics(DEFAULT_STATISTICS))
WARM_UP = 0.5


def panes_of(symbol: str, seconds: int, ticks: int, decimals: int) -> list[Pane]:
    """The panes of one position."""
    model = MODELS["gbm"](position_random(1, symbol), 500.0, 0.2, 1 / ticks)
    prices = np.round(model.next(seconds * ticks) * 10**decimals).astype(np.int64) * (UNIT // 10**decimals)
    panes = []
    for second in range(seconds):
        part = prices[second * ticks : (second + 1) * ticks].tolist()
        start, low, high = START + 1000 * second, min(part), max(part)
        panes.append(
            Pane(
                end_ms=start + 1000,
                n=ticks,
                total=sum(part),
                sum_of_squares=sum(price * price for price in part),
                low=low,
                high=high,
                low_ms=start + part.index(low) * 1000 // ticks,
                high_ms=start + part.index(high) * 1000 // ticks,
                last=part[-1],
                last_ms=start + (ticks - 1) * 1000 // ticks,
                last_order=second,
                histogram=dict(Counter(part)),
            )
        )
    return panes


def microseconds_per_pane(settings: AnalysisSettings, streams: dict[str, list[Pane]], limits: bool) -> float:
    """The mean over the second half of the streams, when all windows are full."""
    analyses = {symbol: PositionAnalysis(symbol, settings) for symbol in streams}
    if limits:
        for symbol, analysis in analyses.items():
            analysis.set_limits(Limits(symbol, datetime.now(UTC), buy=499.0, sell=501.0))
    length = len(next(iter(streams.values())))
    begun = 0.0
    for number in range(length):
        if number == int(length * WARM_UP):
            begun = time.process_time()
        for symbol, analysis in analyses.items():
            pane = streams[symbol][number]
            analysis.add(pane)
            analysis.pane(pane.end_ms).to_bytes()
            while (due := analysis.next_due()) is not None and due <= pane.end_ms:
                analysis.advance(due)
            analysis.expired()
            analysis.small_state()
    return (time.process_time() - begun) * 1e6 / (length - int(length * WARM_UP)) / len(streams)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--positions", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=1200)
    parser.add_argument("--ticks", type=int, default=50)
    options = parser.parse_args()
    names = [f"P{number}" for number in range(options.positions)]
    cents, fine = (
        {name: panes_of(name, options.seconds, options.ticks, decimals) for name in names}
        for decimals in (2, 8)
    )
    signals = {
        "regime": {"window": "1m", "high": 1.0, "low": 0.5},
        "anomaly": {"window": "10s", "sigmas": 3},
    }
    limit = {"window": "10m", "horizon_seconds": 300, "probability": 0.5}
    full = AnalysisSettings(WINDOWS, EVERYTHING, 60.0, {**signals, "limit": limit})
    regime = {"window": "10s", "high": 1.0, "low": 0.5}
    variants = {
        "usual statistics and signals, limits set": (full, cents, True),
        "usual statistics and signals, no limits": (full, cents, False),
        "usual statistics, no signals": (AnalysisSettings(WINDOWS, EVERYTHING, 60.0), cents, False),
        "no optional statistics, no signals": (AnalysisSettings(WINDOWS, frozenset(), 60.0), cents, False),
        "one window (10s)": (
            full._replace(windows=WINDOWS[:1], signals={**signals, "regime": regime}),
            cents,
            False,
        ),
        "all, and no two ticks at the same price": (full, fine, True),
    }
    print(f"{options.positions} positions, {options.ticks} ticks a pane; CPU per pane")
    for name, (settings, streams, limits) in variants.items():
        cost = microseconds_per_pane(settings, streams, limits)
        print(f"{name:42} {cost:6.0f} us  {1e6 / cost:7.0f} panes/s")


if __name__ == "__main__":
    main()
