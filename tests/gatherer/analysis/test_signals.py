"""Regimes, anomalies and limits of one position, by what goes in and what comes out."""

from __future__ import annotations

import math
import random
import statistics
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from gatherer.analysis import AnalysisSettings
from gatherer.panes import UNIT
from gatherer.signals.market import LEAST_MOVES
from gatherer.window import WindowLength
from kafka_topic.contracts import Limits

CENT = UNIT // 100
WINDOWS = (
    WindowLength("4s", 4000, 1000),
    WindowLength("10s", 10_000, 2000),
    WindowLength("100s", 100_000, 5000),
)
NONE = AnalysisSettings(WINDOWS, frozenset())
SET_AT = datetime(2026, 1, 1, tzinfo=UTC)


class Panes:
    """Makes one pane after the other."""

    def __init__(self, streams: Any) -> None:
        self._streams, self._number = streams, 0

    def __call__(self, *prices: float) -> Any:
        start = self._streams.START + 1000 * self._number
        self._number += 1
        units = [round(price * 100) * CENT for price in prices]
        return self._streams.pane_of(
            [self._streams.Tick(start + i, i, price) for i, price in enumerate(units)]
        )


@pytest.fixture
def panes(streams: Any) -> Panes:
    return Panes(streams)


# -- regime


def test_a_regime_changes_only_beyond_the_other_threshold(panes: Panes, run_of: Any) -> None:
    run = run_of(NONE._replace(signals={"regime": {"window": "4s", "high": 5.0, "low": 1.0}}))
    spreads = [0, 0, 3, 3, 3, 3, 15, 15, 15, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 3, 3, 3]
    events, expected, state = [], [], None
    held: list[float] = []
    for spread in spreads:
        prices = [100 - spread, 100 + spread]
        events += [(signal.event, signal.value, signal.threshold) for signal in run.pane(panes(*prices))]
        held = (held + prices)[-8:]
        cv = 100 * statistics.stdev(held) / statistics.mean(held)
        new = "high" if cv >= 5 else "low" if cv <= 1 else state
        if new != state:
            expected.append((new, pytest.approx(cv), {"high": 5.0, "low": 1.0}[new]))
            state = new
    assert events == expected
    assert [event for event, _, _ in events] == ["low", "high", "low"]


def test_a_regime_takes_thresholds_from_the_limits(panes: Panes, run_of: Any) -> None:
    run = run_of(NONE._replace(signals={"regime": {"window": "4s", "high": 5.0, "low": 1.0}}))
    run.analysis.set_limits(Limits("AAPL", SET_AT, regime_high=0.5, regime_low=0.1))
    (signal,) = run.pane(panes(99, 101))
    assert (signal.kind, signal.event, signal.threshold, signal.window) == ("regime", "high", 0.5, "4s")


@pytest.mark.parametrize(
    ("own", "spreads", "expected"),
    [
        ({"regime_high": 1.0}, [2, 0.5, 0], [("high", 1.0), ("low", 0.0)]),
        ({"regime_high": 3.0}, [5, 2, 0.5], [("high", 3.0), ("low", 1.0)]),
        ({"regime_low": 8.0}, [5, 9, 12], [("low", 8.0), ("high", 10.0)]),
        ({"regime_high": 5.0}, [5.5, 4.5, 3], [("high", 5.0), ("low", 4.0)]),  # still above the bundle's low
    ],
)
def test_a_threshold_set_alone_stands_when_the_bundles_other_one_has_passed_it(
    panes: Panes, run_of: Any, own: dict[str, float], spreads: list[float], expected: list[tuple[str, float]]
) -> None:
    run = run_of(NONE._replace(signals={"regime": {"window": "4s", "high": 6.0, "low": 4.0}}))
    run.analysis.set_limits(Limits("AAPL", SET_AT, **own))
    found = []
    for spread in spreads:
        for _ in range(5):  # a window of one spread, whose cv is about 1.07 times it, and one more
            found += run.pane(panes(100 - spread, 100 + spread))
    assert [(signal.event, signal.threshold) for signal in found] == expected


# -- anomaly

HAMPEL = NONE._replace(signals={"anomaly": {"window": "10s", "sigmas": 3}})


def test_the_farthest_tick_beyond_the_bound_is_reported_with_its_own_time(
    panes: Panes, run_of: Any, streams: Any
) -> None:
    run = run_of(HAMPEL)
    spread = [100.00, 100.01, 100.02, 100.03, 100.04]
    for _ in range(6):
        assert run.pane(panes(*spread)) == []
    odd = panes(*spread, 103.0, 104.0, 97.0, 100.02)
    signals = {signal.event: signal for signal in run.pane(odd)}
    held = spread * 7 + [103.0, 104.0, 97.0, 100.02]
    median = statistics.median(held)
    scale = 1.4826 * statistics.median(abs(price - median) for price in held)
    above, below = signals["above"], signals["below"]
    assert (above.value, below.value) == (104.0, 97.0)
    assert streams.milliseconds(above.time) == odd.high_ms and streams.milliseconds(below.time) == odd.low_ms
    assert above.threshold == pytest.approx(median + 3 * scale)
    assert below.threshold == pytest.approx(median - 3 * scale)
    assert above.reason.startswith("2 ticks") and below.reason.startswith("1 tick ")
    assert (above.price, above.window) == (100.02, "10s")
    assert run.pane(panes(*spread)) == []  # the odd ticks are in the window, not in this pane


def test_an_anomaly_is_looked_for_at_each_pane_and_with_the_sigmas_of_the_limits(
    panes: Panes, run_of: Any
) -> None:
    for sigmas, expected in ((None, 1), (100.0, 0)):
        run = run_of(HAMPEL)
        run.analysis.set_limits(Limits("AAPL", SET_AT, anomaly_sigmas=sigmas))
        found = [
            len(run.pane(panes(*[100.00, 100.01, 100.02, 100.03] * 3, *odd)))
            for odd in ([], [], [], [101.0], [], [])
        ]
        assert found == [0, 0, 0, expected, 0, 0]


def test_an_excursion_is_reported_once_for_each_side(panes: Panes, run_of: Any) -> None:
    run = run_of(HAMPEL)
    spread = [100.00, 100.01, 100.02, 100.03] * 3
    far, below = [103.0], [97.0]
    odds = [[], [], [], far, far, far, [], far, [*far, *below], below, [], below]
    found = [[signal.event for signal in run.pane(panes(*spread, *odd))] for odd in odds]
    assert found == [[], [], [], ["above"], [], [], [], ["above"], ["below"], [], [], ["below"]]


@pytest.mark.parametrize("window", ["10s", "1s"])
def test_a_pane_without_ticks_ends_an_excursion(panes: Panes, run_of: Any, window: str) -> None:
    length = WindowLength(window, 1000 * int(window[:-1]), 1000)
    run = run_of(NONE._replace(windows=(length,), signals={"anomaly": {"window": window, "sigmas": 3}}))
    odd = [*[100.00, 100.01, 100.02, 100.03] * 3, 103.0]
    assert [signal.event for signal in run.pane(panes(*odd))] == ["above"]
    panes(100.0)  # a pane that never came
    assert [signal.event for signal in run.pane(panes(*odd))] == ["above"]
    assert run.pane(panes(*odd)) == []


def test_too_few_ticks_have_no_anomaly(panes: Panes, run_of: Any) -> None:
    run = run_of(HAMPEL)
    for _ in range(8):
        assert run.pane(panes(100)) == []
    assert run.pane(panes(500)) == []
    (signal,) = run.pane(panes(501))
    assert signal.event == "above"


@pytest.mark.parametrize(
    ("base", "move", "told"),
    [
        (100.00, 0.01, False),  # a cent is the least a price can move
        (100.00, 0.03, False),
        (100.00, 0.04, True),
        (100.00, 50.0, True),
        (100.00, -0.04, True),
        (10**8, 0.04, True),
    ],
)
def test_a_price_that_stood_still_may_move_by_its_step(
    base: float, move: float, told: bool, panes: Panes, run_of: Any
) -> None:
    run = run_of(HAMPEL)
    for _ in range(4):
        assert run.pane(panes(*[base] * 50)) == []
    signals = run.pane(panes(*[base] * 49, base + move))
    assert [signal.event for signal in signals] == (["above" if move > 0 else "below"] if told else [])


def test_the_step_is_finer_where_prices_are(streams: Any, run_of: Any) -> None:
    run = run_of(HAMPEL)
    fine = UNIT // 10**6
    prices = [*[100 * fine] * 60, 101 * fine, *[100 * fine] * 9, 105 * fine]
    found = [signal.value for pane in streams.panes_of(streams.ticks_at(prices)) for signal in run.pane(pane)]
    assert found == [0.000105]


def test_without_a_mad_the_mean_deviation_is_the_scale(panes: Panes, run_of: Any) -> None:
    run = run_of(HAMPEL)
    prices = [100.0] * 30 + [101.0, 99.0] * 10  # most at the median: MAD 0, mean deviation 0.4
    scale = (3.141592653589793 / 2) ** 0.5 * 20 / 50
    assert run.pane(panes(*prices)) == []
    (signal,) = run.pane(panes(*prices, 103.0))
    held = prices * 2 + [103.0]
    mean_deviation = sum(abs(price - 100) for price in held) / len(held)
    assert signal.threshold == pytest.approx(100 + 3 * scale * mean_deviation / 0.4)
    assert "mean deviations" in signal.reason


# -- limits

FORECAST = NONE._replace(signals={"limit": {"window": "100s", "horizon_seconds": 60, "probability": 0.5}})


class Walker:
    """A seeded random walk in cents, three ticks a pane, that can be moved."""

    def __init__(self, panes: Panes, seed: int) -> None:
        self._panes, self._draw, self.cents = panes, random.Random(seed), 100_000

    def pane(self, move: int = 0) -> Any:
        self.cents += move
        prices = []
        for _ in range(3):
            self.cents += round(self._draw.gauss(0, 4))
            prices.append(self.cents / 100)
        return self._panes(*prices)


@pytest.fixture
def walker(panes: Panes) -> Walker:
    return Walker(panes, 4)


def _events(signals: list[Any]) -> list[tuple[str, str]]:
    return [(signal.side, signal.event) for signal in signals]


def test_a_limit_is_forecast_reached_and_armed_again(walker: Walker, run_of: Any) -> None:
    run = run_of(FORECAST)
    run.analysis.set_limits(Limits("AAPL", SET_AT, sell=1020.0))
    first = run.pane(walker.pane())
    assert _events(first) == [("sell", "no_forecast")] and "0 samples" in first[0].reason
    assert [first[0].value, first[0].probability, first[0].lead_seconds] == [None, None, None]
    later = [signal for _ in range(90) for signal in run.pane(walker.pane())]
    assert _events(later) == [("sell", "unlikely")]  # 20 away, with deviations of .5 in a minute
    assert later[0].probability < 0.4 and later[0].threshold == pytest.approx(0.4)

    near = run.pane(walker.pane(move=101_980 - walker.cents))
    assert _events(near) == [("sell", "likely")]
    (likely,) = near
    assert likely.value == likely.probability >= 0.5 == likely.threshold
    assert likely.horizon_seconds == 60 and 0 < likely.lead_seconds < 60

    there = walker.pane(move=102_050 - walker.cents)
    (reached,) = run.pane(there)
    assert (reached.event, reached.threshold, reached.value) == ("reached", 1020.0, there.high / UNIT)
    assert (reached.time.microsecond // 1000) == there.high_ms % 1000
    assert run.pane(walker.pane()) == []  # still there: told once
    assert run.pane(walker.pane(move=-60)) == []  # below, and near: neither armed nor told
    assert run.pane(walker.pane(move=102_050 - walker.cents)) == []
    away = [signal for move in (-3000, 0) for signal in run.pane(walker.pane(move))]
    assert _events(away) == [("sell", "unlikely")]
    (again,) = run.pane(walker.pane(move=102_050 - walker.cents))
    assert again.event == "reached"


def test_a_buy_limit_is_the_mirror_of_a_sell_limit(walker: Walker, run_of: Any) -> None:
    run = run_of(FORECAST)
    for _ in range(90):
        run.pane(walker.pane())
    price = walker.cents / 100
    run.analysis.set_limits(Limits("AAPL", SET_AT, buy=price - 0.15, sell=price + 0.15))
    signals = {
        signal.side: signal for signal in run.pane(walker.pane(move=round(price * 100) - walker.cents))
    }
    assert {signal.event for signal in signals.values()} == {"likely"}
    buy, sell = signals["buy"].probability, signals["sell"].probability
    way = {"buy": signals["buy"].price - (price - 0.15), "sell": price + 0.15 - signals["sell"].price}
    assert (buy > sell) == (way["buy"] < way["sell"])
    low = walker.pane(move=-200)
    (reached,) = (signal for signal in run.pane(low) if signal.event == "reached")
    assert (reached.side, reached.value) == ("buy", low.low / UNIT)


def test_the_same_limits_again_change_nothing_and_others_start_anew(walker: Walker, run_of: Any) -> None:
    run = run_of(FORECAST)
    for _ in range(90):
        run.pane(walker.pane())
    limits = Limits("AAPL", SET_AT, sell=walker.cents / 100 + 0.05)
    run.analysis.set_limits(limits)
    told = []
    for _ in range(3):
        told += _events(run.pane(walker.pane(move=20)))
        run.analysis.set_limits(Limits("AAPL", datetime(2026, 2, 1, tzinfo=UTC), sell=limits.sell))
    assert told == [("sell", "reached")]
    run.analysis.set_limits(Limits("AAPL", SET_AT, sell=limits.sell, probability=0.3))
    assert _events(run.pane(walker.pane())) == [("sell", "reached")]
    run.analysis.set_limits(None)
    assert run.pane(walker.pane()) == []


def test_only_ticks_after_a_limit_was_set_reach_it(panes: Panes, run_of: Any) -> None:
    run = run_of(FORECAST)
    early, late = panes(100, 110, 100), panes(100)
    run.analysis.add(early)  # came before, closes after
    run.analysis.set_limits(Limits("AAPL", SET_AT, sell=105.0))
    run.advance(early.end_ms)
    assert run.signals == []
    assert _events(run.pane(late)) == [("sell", "no_forecast")]
    assert _events(run.pane(panes(105))) == [("sell", "reached")]


def test_without_a_forecast_a_limit_is_armed_again_when_the_window_is_clear_of_it(
    panes: Panes, run_of: Any
) -> None:
    run = run_of(FORECAST)
    run.analysis.set_limits(Limits("AAPL", SET_AT, buy=95.0))
    prices = [100.0, 95.0, 100.0, 94.0, *[100.0] * 98, 95.0, *[100.0] * 100, 95.0]
    told = [(number, *_events(run.pane(panes(price)))) for number, price in enumerate(prices)]
    assert [each for each in told if len(each) > 1] == [
        (0, ("buy", "no_forecast")),
        (1, ("buy", "reached")),
        (203, ("buy", "reached")),  # at 102, the tick of 94 was in the window still
    ]


def test_a_limit_that_is_reached_at_once_hears_that_there_is_no_forecast(panes: Panes, run_of: Any) -> None:
    run = run_of(FORECAST)
    run.analysis.set_limits(Limits("AAPL", SET_AT, buy=100.0))
    told = [_events(run.pane(panes(price))) for price in (100.0, 99.0, 98.0)]
    assert told == [[("buy", "reached")], [("buy", "no_forecast")], []]


@pytest.mark.parametrize("limits", [{"buy": 1e-8}, {"sell": math.nextafter(1e9, 0)}, {"buy": 1}])
@pytest.mark.parametrize("horizon", [5e-324, 1.0, 1.7e308])
def test_the_farthest_limits_and_horizons_have_a_forecast(
    limits: dict[str, float], horizon: float, walker: Walker, run_of: Any
) -> None:
    run = run_of(FORECAST)
    for _ in range(90):
        run.pane(walker.pane())
    run.analysis.set_limits(Limits("AAPL", SET_AT, **limits, horizon_seconds=horizon, anomaly_sigmas=1.7e308))
    found = run.pane(walker.pane())
    assert {signal.event for signal in found} <= {"likely"}


def test_a_price_that_hardly_moves_has_no_forecast(panes: Panes, run_of: Any) -> None:
    run = run_of(FORECAST)
    run.analysis.set_limits(Limits("AAPL", SET_AT, buy=95.0, sell=105.0))
    for number in range(300):
        run.pane(panes(100 + number // 7 % 2 * 0.01))
    assert _events(run.signals) == [("buy", "no_forecast"), ("sell", "no_forecast")]
    assert f"At least {LEAST_MOVES}" in run.signals[0].reason


@pytest.mark.parametrize("low", [0.0, -37.63])
def test_a_price_that_is_not_above_0_has_no_forecast_until_it_has_left(
    low: float, walker: Walker, panes: Panes, run_of: Any
) -> None:
    run = run_of(FORECAST)
    run.analysis.set_limits(Limits("AAPL", SET_AT, sell=5000.0))
    for _ in range(80):
        run.pane(walker.pane())
    assert _events(run.signals) == [("sell", "no_forecast"), ("sell", "unlikely")]
    (none,) = run.pane(panes(low))
    assert (none.event, none.price) == ("no_forecast", low)
    assert "is not above 0" in none.reason
    told = [signal.event for _ in range(140) for signal in run.pane(walker.pane())]
    assert told == ["unlikely"]


def test_prices_below_0_have_anomalies_and_regimes(panes: Panes, run_of: Any) -> None:
    settings = NONE._replace(
        signals={
            "anomaly": {"window": "4s", "sigmas": 6},
            "regime": {"window": "4s", "high": 5.0, "low": 1.0},
        }
    )
    run = run_of(settings)
    for _ in range(6):
        run.pane(panes(-20.01, -20.0, -19.99))
    assert [signal.event for signal in run.signals] == ["low"]
    found = run.pane(panes(-20.0, -35.0))
    assert [(signal.kind, signal.event) for signal in found] == [("regime", "high"), ("anomaly", "below")]
    assert (found[1].value, found[1].price) == (-35.0, -35.0)


def test_a_price_that_moves_just_often_enough_keeps_its_forecast(panes: Panes, run_of: Any) -> None:
    run, draw, cents = run_of(FORECAST), random.Random(2), 10_000
    run.analysis.set_limits(Limits("AAPL", SET_AT, sell=120.0))
    moves: list[bool] = []
    for _ in range(600):
        moves.append(draw.random() < LEAST_MOVES / 100)
        cents += draw.choice((-1, 1)) if moves[-1] else 0
        run.pane(panes(cents / 100))
    often = [sum(moves[end - 100 : end]) >= LEAST_MOVES for end in range(100, 600)]
    assert sum(before != after for before, after in pairwise(often)) > 5
    assert _events(run.signals) == [("sell", "no_forecast"), ("sell", "unlikely")]


def test_a_price_that_goes_to_and_fro_is_no_random_walk(panes: Panes, run_of: Any) -> None:
    run = run_of(FORECAST)
    run.analysis.set_limits(Limits("AAPL", SET_AT, sell=105.0))
    for number in range(600):
        run.pane(panes(100 + number % 2 * 0.01))
    assert [signal.event for signal in run.signals] == ["no_forecast", "no_forecast"]
    assert "not a random walk" in run.signals[1].reason
