"""Forecasts of limits on the daily S&P 500, judged by the prices that came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas
import pytest

from data_generator.sources.history import Columns, Past, read_history
from gatherer.analysis import AnalysisSettings, PositionAnalysis
from gatherer.panes import UNIT, one_tick
from gatherer.window import WindowLength
from kafka_topic.contracts import Limits, Signal
from notebooks import backtest

pytestmark = pytest.mark.slow
DAY_MS = 86_400_000
WINDOW, HORIZON = 250, 30  # days
SINCE = datetime(2000, 1, 1)
LIMITS = [(1100.0, 1500.0), (1200.0, 2000.0), (1000.0, 1400.0)]


def _signals(past: list[Past], buy: float, sell: float) -> Iterator[Signal]:
    """What the analysis says day by day; it sees a day's price at the end of the day."""
    analysis = PositionAnalysis(
        "sp500",
        AnalysisSettings(
            (WindowLength(f"{WINDOW}d", WINDOW * DAY_MS, DAY_MS),),
            frozenset(),
            signals={
                "limit": {"window": f"{WINDOW}d", "horizon_seconds": HORIZON * 86_400, "probability": 0.5}
            },
        ),
    )
    analysis.set_limits(Limits("sp500", buy=buy, sell=sell, set_at=SINCE.replace(tzinfo=UTC)))
    for number, each in enumerate(past):
        ms = round(each.ts.timestamp() * 1000)
        end_ms = ms // DAY_MS * DAY_MS + DAY_MS
        analysis.add(one_tick(end_ms, round(each.price * UNIT), ms, number, with_histogram=False))
        for _, signals in analysis.close(end_ms):
            yield from signals


def test_forecasts_of_limits_agree_with_what_happened(sp500: Path) -> None:
    past, _ = read_history([sp500], Columns(time_format="%m/%d/%Y", since=SINCE))
    ticks = pandas.DataFrame(past)
    made = []
    for buy, sell in LIMITS:
        signals = pandas.DataFrame([vars(signal) for signal in _signals(past, buy, sell)])
        forecasts = backtest.forecasts(signals, until=past[-1].ts)
        for each in forecasts.itertuples():
            last = each.time + pandas.Timedelta(days=HORIZON)
            came = ticks[(ticks["ts"] >= each.time) & (ticks["ts"] <= last)]
            hit = came[came["price"] <= buy] if each.side == "buy" else came[came["price"] >= sell]
            if not hit.empty:
                assert each.reached and each.after_seconds == (hit["ts"].iloc[0] - each.time).total_seconds()
            else:
                assert pandas.isna(each.reached) if last > past[-1].ts else not each.reached
        made.append(forecasts)
    found = pandas.concat(made)
    known = found[found["reached"].notna()]
    # 88 forecasts in 19 years, many of the same weeks: 60 % was said on average, and 60 % came true.
    assert len(known) > 80
    assert known["reached"].astype(float).mean() == pytest.approx(known["probability"].mean(), abs=0.1)
    assert backtest.brier(found) < 0.25
