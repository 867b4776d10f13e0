"""What a first run on `local` shows: the same prices for everybody, and limits that they reach."""

from data_generator.models import MODELS, position_random
from tests.settings import load_settings

SECONDS = 120


def test_the_prices_of_a_first_run_reach_a_limit_of_each_position_that_has_any():
    settings = load_settings("local")
    generator = settings.generator
    assert generator.seed is not None
    reached = {}
    for symbol, limits in settings.initial_limits.items():
        assert limits is not None and limits.buy is not None and limits.sell is not None
        start = generator.start_price_of(symbol)
        random = position_random(generator.seed, symbol)
        model = MODELS[generator.model](random, start, generator.volatility, 1 / generator.rate)
        prices = model.next(round(SECONDS * generator.rate)).round(2)
        assert limits.buy < start < limits.sell
        reached[symbol] = (prices.min() <= limits.buy, prices.max() >= limits.sell)
    assert reached == {"AAPL": (False, True), "TSLA": (True, False)}
