"""The forecast's formulas: textbook values, quadrature, simulated paths, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gatherer.signals.first_passage import distance, expected_time, hit_probability

UP = math.log(105 / 100)
YEAR_QUARTER = 0.25
VARIANCE = 0.2**2 * YEAR_QUARTER


def test_the_continuous_probability_is_the_textbook_one() -> None:
    assert hit_probability(UP, VARIANCE) == pytest.approx(0.610, abs=5e-4)


@pytest.mark.parametrize("limit", [105.0, 95.0])
@pytest.mark.parametrize("steps", [2000, 100])
def test_seen_at_ticks_it_is_what_simulated_paths_do(limit: float, steps: int) -> None:
    random = np.random.default_rng(5)
    step = YEAR_QUARTER / steps
    hits, times = 0, []
    for _ in range(2):
        moves = 0.2 * math.sqrt(step) * random.standard_normal((3000, steps)) - 0.02 * step
        prices = 100 * np.exp(moves.cumsum(axis=1))
        beyond = prices >= limit if limit > 100 else prices <= limit
        hit = beyond.any(axis=1)
        hits += int(hit.sum())
        times += ((beyond.argmax(axis=1)[hit] + 1) * step).tolist()
    way = distance(100, limit, 0.2**2, step)
    # Four standard errors of 6,000 paths.
    assert hit_probability(way, VARIANCE) == pytest.approx(hits / 6000, abs=0.026)
    lead = expected_time(way, VARIANCE, YEAR_QUARTER)
    assert lead == pytest.approx(np.mean(times), abs=4 * np.std(times) / math.sqrt(hits))


def _density(time: float, way: float, rate: float) -> float:
    """Of the first passage (inverse Gaussian), at a variance of `rate` a second."""
    drift = math.copysign(rate / 2, -way)
    spread = 2 * rate * time
    return (
        abs(way)
        / math.sqrt(2 * math.pi * rate * time**3)
        * math.exp(-((abs(way) - drift * time) ** 2) / spread)
    )


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("deviations", [0.1, 0.7, 2.0, 6.0])
@pytest.mark.parametrize("sigma", [1e-13, 1e-9, 9e-7, 1.1e-6, 3e-4, 0.05])
def test_probability_and_lead_time_are_the_integrals_of_the_density(
    sign: int, deviations: float, sigma: float
) -> None:
    horizon, rate = 300.0, sigma * sigma / 300
    way = sign * deviations * sigma
    # In u = 1 / sqrt(t) the density has no peak that a fine trapezium would miss.
    u = np.linspace(1 / math.sqrt(horizon), 40 / deviations / math.sqrt(horizon) + 1, 100_001)
    time = 1 / u**2
    weight = np.array([_density(t, way, rate) for t in time]) * 2 / u**3
    weight[[0, -1]] /= 2  # the trapezium rule
    probability = float(weight.sum() * (u[1] - u[0]))
    lead = float((weight * time).sum() * (u[1] - u[0])) / probability
    assert hit_probability(way, sigma * sigma) == pytest.approx(probability, rel=1e-5)
    assert expected_time(way, sigma * sigma, horizon) == pytest.approx(lead, rel=1e-4)


def test_it_is_a_step_without_volatility_and_finite_at_any_distance() -> None:
    assert hit_probability(0.01, 0.0) == hit_probability(-0.01, 0.0) == 0.0
    assert hit_probability(0.0, 0.0) == hit_probability(0.0, 0.1) == 1.0
    assert expected_time(0.0, 0.1, 60) == 0.0
    assert expected_time(5.0, 1e-8, 60) is None
    for way in (-40.0, -1.0, -1e-12, 1e-12, 1.0, 40.0):
        before = 0.0
        for variance in (1e-300, 1e-20, 1e-10, 1e-4, 1.0, 100.0, 1e6):
            probability = hit_probability(way, variance)
            assert before <= probability <= 1
            before = probability
            lead = expected_time(way, variance, 60)
            assert lead is None or 0 <= lead <= 60
    assert hit_probability(-5.0, 1e6) == pytest.approx(1.0)  # a martingale above 0 ends up near 0
    assert hit_probability(5.0, 1e6) == pytest.approx(math.exp(-5))  # and doubles with probability 1/2, so on


def test_discrete_ticks_move_the_limit_away() -> None:
    assert distance(100, 105, 0.04, 0.0) == UP
    assert distance(100, 105, 0.04, 0.01) > UP
    assert distance(100, 95, 0.04, 0.01) < math.log(0.95)
    assert distance(100, 100, 0.04, 0.01) == 0.0
