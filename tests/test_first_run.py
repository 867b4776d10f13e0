"""What a first run on `local` shows: the same prices for everybody, and limits that they reach."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import marathon
from data_generator.models import MODELS, position_random
from gatherer.analysis import PositionAnalysis
from gatherer.panes import UNIT, Histogram, Pane
from gatherer.settings import Settings
from kafka_topic.contracts import Limits, Signal
from tests.settings import load_settings

SECONDS = 120
START_MS = 1_800_000_000_000
SET_AT = datetime(2027, 1, 1, tzinfo=UTC)


def prices_of(settings, symbol):
    """The ticks of the first two minutes."""
    generator = settings.generator
    random = position_random(generator.seed, symbol)
    start = generator.start_price_of(symbol)
    model = MODELS[generator.model](random, start, generator.volatility, 1 / generator.rate)
    return model.next(round(SECONDS * generator.rate)).round(2)


def panes_of(prices, rate: float, pane_ms: int) -> Iterator[Pane]:
    """The panes that the job makes of these ticks."""
    size = round(rate * pane_ms / 1000)
    for number in range(len(prices) // size):
        units = [round(price * 100) * UNIT // 100 for price in prices[number * size : (number + 1) * size]]
        begin = START_MS + number * pane_ms
        times = [begin + round(1000 * index / rate) for index in range(size)]
        low, high = min(units), max(units)
        yield Pane(
            end_ms=begin + pane_ms,
            n=size,
            total=sum(units),
            sum_of_squares=sum(each * each for each in units),
            low=low,
            high=high,
            low_ms=times[units.index(low)],
            high_ms=times[units.index(high)],
            last=units[-1],
            last_ms=times[-1],
            last_order=size,
            histogram=Histogram.of(Counter(units)),
        )


def signals_of(settings, symbol) -> list[Signal]:
    """What the job reports of a position in the first two minutes."""
    job = Settings.from_environ(marathon.render(settings).apps["gatherer"].env)
    analysis = PositionAnalysis(symbol, job.analysis)
    if limits := settings.initial_limits.get(symbol):
        analysis.set_limits(Limits(symbol, SET_AT, buy=limits.buy, sell=limits.sell))
    found: list[Signal] = []
    for pane in panes_of(prices_of(settings, symbol), settings.generator.rate, job.pane_ms):
        analysis.add(pane)
        for _, signals in analysis.close(pane.end_ms):
            found += signals
    return found


def test_a_first_run_shows_every_kind_of_signal():
    settings = load_settings("local")
    found = {symbol: signals_of(settings, symbol) for symbol in settings.positions}
    events = {(signal.kind, signal.event) for signals in found.values() for signal in signals}
    assert {("regime", "high"), ("regime", "low"), ("limit", "likely"), ("limit", "reached")} <= events
    assert "anomaly" in {kind for kind, _ in events}
    assert all(any(signal.kind == "regime" for signal in signals) for signals in found.values())


def test_the_prices_of_a_first_run_reach_a_limit_of_each_position_that_has_any():
    settings = load_settings("local")
    generator = settings.generator
    assert generator.seed is not None
    reached = {}
    for symbol, limits in settings.initial_limits.items():
        assert limits is not None and limits.buy is not None and limits.sell is not None
        start, prices = generator.start_price_of(symbol), prices_of(settings, symbol)
        assert limits.buy < start < limits.sell
        reached[symbol] = (prices.min() <= limits.buy, prices.max() >= limits.sell)
    assert reached == {"AAPL": (False, True), "TSLA": (True, False)}
