"""Measures panes per second of the gatherer's Python process, without Flink.

    python bench/position_analysis.py [--positions 20] [--seconds 1200] [--ticks 1] [--rounds 5]

Seeded GBM prices in whole cents, panes of 1 s, the default windows (10 s every 1 s, 1 min every 5 s, 10 min
every 10 s) and subsets of them. A pane's cost is all that the process does: it reads batches of rows, and
answers with records and with changes of the state. The variants take turns.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a benchmark runs from its own folder

from results import Table, report

from data_generator.models import MODELS, position_random
from gatherer.analysis import AnalysisSettings
from gatherer.operator import Analysis
from gatherer.panes import UNIT, Histogram, Pane
from gatherer.rows import LIMITS, PANES, Row
from gatherer.window import WindowLength
from kafka_topic.contracts import Limits
from kafka_topic.statistics import DEFAULT_STATISTICS, read_statistics
from tests.gatherer.batches import batch_of, pane_bytes

START = 1_774_745_970_000
WINDOWS = (
    WindowLength("10s", 10_000, 1000),
    WindowLength("1m", 60_000, 5000),
    WindowLength("10m", 600_000, 10_000),
)
EVERYTHING = frozenset(read_statistics(DEFAULT_STATISTICS))
BATCH = 1000


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
                histogram=Histogram.of(Counter(part)),
            )
        )
    return panes


def rows_of(streams: dict[str, list[Pane]]) -> list[Row]:
    """One row for each pane, in order of time."""
    return [
        Row(PANES, pane.end_ms, 0, 0, 0, symbol, pane_bytes(pane), f"position.{symbol}", None, None)
        for panes in zip(*streams.values(), strict=True)
        for symbol, pane in zip(streams, panes, strict=True)
    ]


def microseconds_per_pane(settings: AnalysisSettings, streams: dict[str, list[Pane]], limits: bool) -> float:
    """The mean over the second half of the streams, when all windows are full."""
    analysis = Analysis(settings)
    if limits:
        for symbol in streams:
            content = Limits(symbol, datetime.now(UTC), buy=499.0, sell=501.0).to_json()
            analysis.answer(batch_of(Row(LIMITS, 0, 0, 0, 0, symbol, content, "limits", None, None)))
    rows = rows_of(streams)
    batches = [batch_of(*rows[start : start + BATCH]) for start in range(0, len(rows), BATCH)]
    half = len(batches) // 2
    for batch in batches[:half]:
        analysis.answer(batch)
    begun = time.process_time()
    for batch in batches[half:]:
        analysis.answer(batch)
    return (time.process_time() - begun) * 1e6 / (len(rows) - half * BATCH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--positions", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=1200)
    parser.add_argument("--ticks", type=int, default=1, help="of a pane")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    gc.disable()  # as the process does
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
    plain = AnalysisSettings(WINDOWS, EVERYTHING, 60.0)
    full = plain._replace(signals={**signals, "limit": limit})
    variants = {
        "default statistics": (plain, cents, False),
        "and signals, no limits": (full, cents, False),
        "and signals, limits set": (full, cents, True),
        "and no two ticks at the same price": (full, fine, True),
        "no optional statistics": (plain._replace(statistics=frozenset()), cents, False),
        "default statistics, one window (10s)": (plain._replace(windows=WINDOWS[:1]), cents, False),
    }
    costs: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(options.rounds):
        for name, (settings, streams, limits) in variants.items():
            costs[name].append(microseconds_per_pane(settings, streams, limits))
    title = f"CPU per pane in Python, {options.positions} positions, {options.ticks} ticks a pane"
    report([Table("cpu", title, "us", True, costs)], options.json)


if __name__ == "__main__":
    main()
