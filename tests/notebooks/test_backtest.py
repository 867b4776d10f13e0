"""What became of forecasts, and trades at limits, on small made-up histories."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pandas
import pytest

from notebooks import backtest

START = datetime(2026, 11, 22, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def signals(*rows: tuple[str, str, float, str, float | None]) -> pandas.DataFrame:
    """Rows of symbol, side, seconds, event and probability; the horizon of a forecast is 60 s."""
    return pandas.DataFrame(
        [
            {
                "kind": "limit",
                "event": event,
                "symbol": symbol,
                "side": side,
                "time": at(seconds),
                "price": 100.0,
                "probability": probability,
                "horizon_seconds": None if probability is None else 60.0,
            }
            for symbol, side, seconds, event, probability in rows
        ]
    )


def ticks(*prices: float) -> pandas.DataFrame:
    return pandas.DataFrame({"ts": [at(number) for number in range(len(prices))], "price": prices})


def test_a_forecast_has_come_true_failed_or_is_open():
    found = backtest.forecasts(
        signals(
            ("AAPL", "buy", 0, "likely", 0.9),
            ("AAPL", "sell", 1, "reached", None),  # the other limit
            ("MSFT", "buy", 2, "reached", None),  # another position
            ("AAPL", "buy", 60, "reached", None),  # just in time
            ("AAPL", "buy", 70, "likely", 0.8),
            ("AAPL", "buy", 131, "reached", None),  # a second too late
            ("MSFT", "sell", 150, "likely", 0.6),
        ),
        until=at(200),
    )
    assert [*found["reached"].astype(object).where(found["reached"].notna(), None)] == [True, False, None]
    assert found["after_seconds"].iloc[0] == 60
    assert found["after_seconds"].isna().sum() == 2
    assert backtest.brier(found) == pytest.approx((0.1**2 + 0.8**2) / 2)


def test_reliability_counts_known_outcomes_only():
    rows = [("AAPL", "buy", 100.0 * number, "likely", 0.75) for number in range(4)]
    hits = [("AAPL", "buy", 100.0 * number + 1, "reached", None) for number in range(3)]
    found = backtest.forecasts(signals(*rows, *hits), until=at(301))
    assert found["reached"].isna().sum() == 1
    (row,) = backtest.reliability(found).itertuples()
    assert (row.forecasts, row.probability, row.reached) == (3, 0.75, 1.0)


def test_without_forecasts_there_is_no_score():
    found = backtest.forecasts(signals(("AAPL", "buy", 0, "reached", None)), until=at(1))
    assert found.empty and math.isnan(backtest.brier(found))
    assert backtest.reliability(found).empty


def test_trades_buy_low_and_sell_high_in_turn():
    made = backtest.trades(ticks(100, 99, 98, 102, 101, 97, 96, 103, 98), buy=98, sell=102)
    assert made["bought_for"].to_list() == [98, 97, 98]
    assert made["sold_for"].to_list()[:2] == [102, 103]
    assert made["sold_for"].isna().to_list() == [False, False, True]
    assert made["bought_at"].to_list() == [at(2), at(5), at(8)]


def test_trades_need_limits_that_differ():
    with pytest.raises(ValueError, match="buy 100 must be below sell 100"):
        backtest.trades(ticks(100), buy=100, sell=100)


def test_the_grid_counts_what_is_held_at_the_last_price():
    found = backtest.grid(ticks(100, 99, 101, 100, 98, 99), [1, 5])
    near, far = found.itertuples()
    middle = 99.5
    # 99 <= 98.505 never, 98 is, and 99 is the last price.
    assert (near.trips, near.gain) == (0, pytest.approx(100 * (99 - 98) / middle))
    assert (far.trips, far.gain) == (0, 0)
