import math

import numpy as np
import pytest

from data_generator.errors import SettingsError
from data_generator.models import MODELS, REVERSION_SECONDS, SECONDS_PER_YEAR, position_random

MANY = 200_000


def prices(name, count=MANY, *, seed=1, symbol="AAPL", start=100.0, volatility=0.2, seconds=0.02):
    return MODELS[name](position_random(seed, symbol), start, volatility, seconds).next(count)


def close_to(expected, standard_error):
    """Five standard errors: with a fixed seed the outcome is fixed, and a wrong formula is far outside."""
    return pytest.approx(expected, abs=5 * standard_error)


@pytest.mark.parametrize(("volatility", "seconds"), [(0.2, 0.02), (3.0, 1.0), (0.5, 3600.0)])
def test_gbm_log_returns_have_the_deviation_and_mean_of_the_closed_form(volatility, seconds):
    path = prices("gbm", volatility=volatility, seconds=seconds)
    returns = np.diff(np.log(path))
    deviation = volatility * math.sqrt(seconds / SECONDS_PER_YEAR)
    assert path[0] == 100.0
    assert returns.std(ddof=1) == close_to(deviation, deviation / math.sqrt(2 * MANY))
    assert returns.mean() == close_to(-(deviation**2) / 2, deviation / math.sqrt(MANY))
    assert np.corrcoef(returns[1:], returns[:-1])[0, 1] == close_to(0, 1 / math.sqrt(MANY))


def test_gbm_over_a_year_has_the_yearly_deviation_and_no_drift():
    ends = np.array(
        [prices("gbm", 2, seed=seed, seconds=SECONDS_PER_YEAR, volatility=0.2)[1] for seed in range(4000)]
    )
    assert np.log(ends / 100).std(ddof=1) == close_to(0.2, 0.2 / math.sqrt(2 * 4000))
    assert ends.mean() == close_to(100, 20 / math.sqrt(4000))


def test_ou_reverts_to_the_start_price():
    # Spaced widely enough that the long run is seen: 200,000 s in steps of 1 s.
    path = np.log(prices("ou", volatility=0.01, seconds=1.0) / 100)
    phi = math.exp(-1 / REVERSION_SECONDS)
    independent = MANY * (1 - phi) / (1 + phi)
    assert path[0] == 0.0
    assert path.mean() == close_to(0, 0.01 / math.sqrt(independent))
    assert path.std() == close_to(0.01, 0.01 / math.sqrt(independent / 2))
    slope, _ = np.polyfit(path[:-1], path[1:], 1)
    assert slope == close_to(phi, math.sqrt((1 - phi**2) / MANY))


def test_uniform_prices_are_evenly_spread():
    drawn = prices("uniform", volatility=0.1)
    half_width = 10 * math.sqrt(3)
    assert drawn.mean() == close_to(100, 10 / math.sqrt(MANY))
    assert drawn.std(ddof=1) == close_to(10, 10 / math.sqrt(2 * MANY))
    assert 100 - half_width <= drawn.min() < 100 - half_width * 0.999
    assert 100 + half_width * 0.999 < drawn.max() <= 100 + half_width
    assert np.corrcoef(drawn[1:], drawn[:-1])[0, 1] == close_to(0, 1 / math.sqrt(MANY))


def test_normal_prices_have_the_moments_asked_for():
    drawn = (prices("normal", volatility=0.1) - 100) / 10
    assert drawn.mean() == close_to(0, 1 / math.sqrt(MANY))
    assert drawn.std(ddof=1) == close_to(1, 1 / math.sqrt(2 * MANY))
    assert (drawn**4).mean() == close_to(3, math.sqrt(96 / MANY))


@pytest.mark.parametrize("name", MODELS)
def test_the_sizes_of_blocks_make_no_difference(name):
    whole = prices(name, 1000)
    model = MODELS[name](position_random(1, "AAPL"), 100.0, 0.2, 0.02)
    pieces = [model.next(size) for size in (1, 2, 0, 500, 7, 490)]
    assert np.array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_prices_and_each_position_its_own(name):
    assert np.array_equal(prices(name, 100), prices(name, 100))
    assert not np.array_equal(prices(name, 100), prices(name, 100, seed=2))
    other = prices(name, MANY, symbol="AAPM")
    assert np.corrcoef(np.diff(prices(name)), np.diff(other))[0, 1] == close_to(0, 2 / math.sqrt(MANY))


@pytest.mark.parametrize("name", MODELS)
def test_without_volatility_the_price_is_constant(name):
    assert np.array_equal(prices(name, 1000, volatility=0.0), np.full(1000, 100.0))


def test_uniform_prices_that_could_be_negative_are_refused():
    with pytest.raises(SettingsError, match=r"volatility 0\.6 .* below 0\.577"):
        prices("uniform", volatility=0.6)
