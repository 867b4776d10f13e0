"""Forecasts scored against what happened on seeded paths of the generator's own models."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from data_generator.models import MODELS, SECONDS_PER_YEAR
from gatherer.analysis import AnalysisSettings, PositionAnalysis
from gatherer.panes import UNIT, Pane
from gatherer.returns import Returns, log_return
from gatherer.signals.first_passage import distance, expected_time, hit_probability
from gatherer.signals.market import LEAST_MOVES, Market, MarketModel, NoForecast
from gatherer.window import WindowLength
from kafka_topic.contracts import Limits

RATE = 10  # ticks a second
WINDOW, HORIZON = 600, 300  # seconds
VOLATILITY = 0.2


def _cents(model: str, seed: int, seconds: int, start: float = 500, volatility: float = VOLATILITY) -> Any:
    """Prices of a model as they are published, in whole cents."""
    made = MODELS[model](np.random.default_rng(seed), start, volatility, 1 / RATE)
    return np.round(made.next(seconds * RATE) * 100).astype(np.int64)


def _returns(cents: Any) -> Returns:
    """From second to second."""
    prices = [int(price) * UNIT // 100 for price in cents[RATE - 1 :: RATE]]
    return _part([log_return(*pair) for pair in itertools.pairwise(prices)])


def _part(logs: Sequence[float]) -> Returns:
    return Returns(logs, float(len(logs)))


def _forecasts(start: float, paths: int) -> tuple[Any, Any, Any, Any]:
    """Probabilities, whether it happened, expected and true times where it did; limits at many distances."""
    said, happened, expected, taken = [], [], [], []
    reach = VOLATILITY * math.sqrt(HORIZON / SECONDS_PER_YEAR)
    for seed in range(paths):
        cents = _cents("gbm", seed, WINDOW + HORIZON, start)
        market = MarketModel().look(_returns(cents[: WINDOW * RATE]), WINDOW * RATE, "10m")
        if isinstance(market, NoForecast):
            continue
        price, future = int(cents[WINDOW * RATE - 1]), cents[WINDOW * RATE :]
        for deviations in (0.25, 0.5, 0.8, 1.2, 1.8):
            for sign in (1, -1):
                limit = round(price * math.exp(sign * deviations * reach))
                way = distance(price, limit, market.variance_rate, market.seconds_between_ticks)
                variance = market.variance_rate * HORIZON
                said.append(hit_probability(way, variance))
                beyond = future >= limit if sign > 0 else future <= limit
                happened.append(bool(beyond.any()))
                if happened[-1]:
                    expected.append(expected_time(way, variance, HORIZON))
                    taken.append((int(beyond.argmax()) + 1) / RATE)
    return np.array(said), np.array(happened), np.array(expected), np.array(taken)


@pytest.mark.parametrize("start", [500.0, 100.0])  # a second moves the price by 1.8 cents, by 0.36
def test_forecasts_on_gbm_are_calibrated(start: float) -> None:
    said, happened, expected, taken = _forecasts(start, 300)
    assert len(said) > 2000
    base_rate = happened.mean()
    brier = ((said - happened) ** 2).mean()
    assert brier < 0.75 * base_rate * (1 - base_rate)
    # The reliability table: in each bin, what was said is what happened. Forecasts of one path depend on each
    # other, so the error of a bin is that of a third of its number.
    for low in np.arange(0, 1, 0.2):
        chosen = (said >= low) & (said < low + 0.2)
        if chosen.sum() >= 60:
            error = math.sqrt(0.25 * 3 / chosen.sum())
            assert said[chosen].mean() == pytest.approx(happened[chosen].mean(), abs=0.03 + 2 * error), low
    assert expected.mean() == pytest.approx(taken.mean(), rel=0.1)
    # Later when said later: the quarter that was expected first came first.
    first, last = np.quantile(expected, (0.25, 0.75))
    assert taken[expected <= first].mean() < 0.6 * taken[expected >= last].mean()


SETTINGS = AnalysisSettings(
    (WindowLength("1s", 1000, 1000), WindowLength("2m", 120_000, 10_000)),
    frozenset(),
    signals={"limit": {"window": "2m", "horizon_seconds": 60, "probability": 0.5}},
)


def _panes(streams: Any, cents: Any) -> list[Pane]:
    return [
        streams.pane_of(
            streams.ticks_at(
                (cents[start : start + RATE] * (UNIT // 100)).tolist(),
                1000 // RATE,
                streams.START + 1000 * (start // RATE),
            ),
            histogram=False,
        )
        for start in range(0, len(cents), RATE)
    ]


def _signals(streams: Any, panes: list[Pane], reset: int = 10**9) -> list[Any]:
    """Those of limits about as far away as the price moves in the horizon, set anew every `reset` panes."""
    analysis, signals = PositionAnalysis("AAPL", SETTINGS), []
    for number, pane in enumerate(panes):
        if number % reset == 0 or number == 0:
            last = pane.last / UNIT
            limits = Limits("AAPL", datetime.now(UTC), buy=last - 0.1, sell=last + 0.1)
            analysis.set_limits(limits)
        analysis.add(pane)
        while (due := analysis.next_due()) is not None and due <= pane.end_ms:
            signals += analysis.advance(due)[1]
    return signals


def test_what_is_said_to_be_likely_happens_as_often_as_said(streams: Any) -> None:
    panes = _panes(streams, _cents("gbm", 11, 12_000))
    signals = _signals(streams, panes, reset=97)
    said, happened, lead, taken = [], [], [], []
    for signal in signals:
        if signal.event != "likely":
            continue
        index = (streams.milliseconds(signal.time) - streams.START) // 1000  # the pane that follows
        limit = round(float(signal.reason.split(" limit of ")[1].split(" ")[0]) * 100)
        ahead = panes[index : index + 60]
        times = [
            (pane.low_ms if signal.side == "buy" else pane.high_ms)
            for pane in ahead
            if (pane.low <= limit * UNIT // 100 if signal.side == "buy" else pane.high >= limit * UNIT // 100)
        ]
        said.append(signal.probability)
        happened.append(bool(times))
        if times:
            lead.append(signal.lead_seconds)
            taken.append((times[0] - streams.milliseconds(signal.time)) / 1000)
    assert len(said) > 100
    assert np.mean(said) == pytest.approx(np.mean(happened), abs=0.1)
    assert np.mean(lead) == pytest.approx(np.mean(taken), rel=0.25)


@pytest.mark.parametrize(("model", "volatility"), [("uniform", 0.0005), ("normal", 0.0005), ("normal", 0.2)])
def test_independent_prices_have_no_forecast(model: str, volatility: float, streams: Any) -> None:
    for seed in range(4):
        panes = _panes(streams, _cents(model, seed, 400, volatility=volatility))
        signals = [signal for signal in _signals(streams, panes) if signal.event != "reached"]
        assert {signal.event for signal in signals} == {"no_forecast"}
        told = [signal for signal in signals if "not a random walk" in signal.reason]
        assert sorted(signal.side for signal in told) == ["buy", "sell"]
        first = min(signal.time for signal in told)
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=streams.START)
        assert first - start < timedelta(seconds=2 * LEAST_MOVES)


@pytest.mark.parametrize("volatility", [0.01, 0.2])
def test_independent_prices_never_pass_at_any_length(volatility: float) -> None:
    for seed in range(30):
        returns, model = _returns(_cents("normal", seed, 400, volatility=volatility)), MarketModel()
        for end in range(LEAST_MOVES, len(returns.logs), 10):
            found = model.look(_part(returns.logs[:end]), end * RATE, "10m")
            assert isinstance(found, NoForecast), (seed, end)


def test_a_random_walk_in_whole_cents_is_seldom_taken_for_none(streams: Any) -> None:
    rejected = looked = 0
    for seed in range(25):
        returns, model = _returns(_cents("gbm", seed, 1200)), MarketModel()
        for end in range(LEAST_MOVES + 10, len(returns.logs), 10):
            found = model.look(_part(returns.logs[max(0, end - WINDOW) : end]), WINDOW * RATE, "10m")
            looked += 1
            rejected += isinstance(found, NoForecast) and found.state == "no_walk"
    assert rejected < 0.03 * looked


def test_rounding_does_not_pass_for_volatility() -> None:
    """At 100, the second's return is mostly rounding; what comes out is within a sixth of what went in."""
    rates = []
    for seed in range(60):
        market = MarketModel().look(_returns(_cents("gbm", seed, WINDOW, start=100)), WINDOW * RATE, "10m")
        if isinstance(market, Market):
            rates.append(math.sqrt(market.variance_rate * SECONDS_PER_YEAR))
    assert len(rates) > 40
    assert np.mean(rates) == pytest.approx(VOLATILITY, rel=1 / 6)
