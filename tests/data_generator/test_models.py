import math

import numpy as np
import pytest

from data_generator.models import (
    JUMP_SECONDS,
    JUMP_SIZE,
    LONG_REVERSION_SECONDS,
    MODELS,
    REGIME_SECONDS,
    REVERSION_SECONDS,
    SECONDS_PER_DAY,
    SECONDS_PER_YEAR,
    TURBULENCE,
    position_random,
)
from task_runtime.errors import SettingsError

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


def test_regimes_are_calm_and_turbulent_and_jump():
    # Far above the rate that is usual, so that the regime hardly changes within a step, and jumps stand out.
    seconds = 0.01
    path = np.log(prices("regimes", 2 * MANY, seconds=seconds) / 100)
    assert path[0] == 0.0
    returns = path[1:] - math.exp(-seconds / LONG_REVERSION_SECONDS) * path[:-1]
    calm = 0.2 * math.sqrt(seconds / SECONDS_PER_DAY)
    # No step of a turbulent time is as far as six of its deviations.
    jumps = np.abs(returns) > 6 * TURBULENCE * calm
    expected = len(returns) * seconds / JUMP_SECONDS
    assert jumps.sum() == close_to(expected, math.sqrt(expected))
    size = 0.2 * JUMP_SIZE
    assert returns[jumps].std() == close_to(size, size / math.sqrt(2 * expected))
    assert np.abs(returns[:500]).max() < 5 * calm  # it begins calm
    # Half a second tells which regime it was in.
    parts = np.where(jumps, 0, returns)[: len(returns) // 50 * 50].reshape(-1, 50).std(axis=1)
    turbulent = parts > calm * math.sqrt(TURBULENCE)
    assert parts[~turbulent].mean() == pytest.approx(calm, rel=0.05)
    assert parts[turbulent].mean() == pytest.approx(TURBULENCE * calm, rel=0.05)
    times = len(returns) * seconds / REGIME_SECONDS
    switches = np.count_nonzero(np.diff(turbulent))
    assert switches == close_to(times, math.sqrt(times))
    assert turbulent.mean() == close_to(0.5, 0.5 / math.sqrt(times / 2))


def test_regimes_stay_near_the_start_price():
    week = np.log(prices("regimes", 7 * 24 * 3600, seconds=1.0) / 100)
    a_second = 0.04 * ((1 + TURBULENCE**2) / 2 / SECONDS_PER_DAY + JUMP_SIZE**2 / JUMP_SECONDS)
    deviation = math.sqrt(a_second * LONG_REVERSION_SECONDS / 2)
    independent = len(week) / LONG_REVERSION_SECONDS
    assert week.mean() == close_to(0, deviation * math.sqrt(2 / independent))
    assert week.std() == close_to(deviation, deviation / math.sqrt(independent))


@pytest.mark.parametrize("name", MODELS)
def test_a_state_continues_the_path(name):
    random = position_random(1, "AAPL")
    first = MODELS[name](random, 100.0, 0.2, 0.02)
    first.next(1234)
    state = first.state
    behind = random.bit_generator.state
    expected = first.next(1000)
    random.bit_generator.state = behind
    second = MODELS[name](random, 100.0, 0.2, 0.02)
    second.state = state
    assert np.array_equal(second.next(1000), expected)


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
    with pytest.raises(SettingsError, match=r"\(GENERATOR_VOLATILITY\) 0\.6 .* below 0\.577"):
        prices("uniform", volatility=0.6)
