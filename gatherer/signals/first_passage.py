"""The first passage of a price to a limit, if the price is a geometric Brownian motion (GBM).

The expected price is today's (no drift): prices of minutes can't measure the drift of minutes (its standard
error is sigma / sqrt(time)), and over a horizon this short it makes no difference.
Formulas: Borodin and Salminen, "Handbook of Brownian Motion", 2nd ed., part II, 2.2.0.2.
"""

from __future__ import annotations

import math

BARRIER_SHIFT = 0.5826
"""-zeta(1/2) / sqrt(2 pi): a price that is seen only at ticks overshoots a limit by this many deviations of
one tick's return on average, as if the limit were that much farther away (Broadie, Glasserman and Kou,
"A continuity correction for discrete barrier options", Mathematical Finance 1997)."""

_DRIFTLESS = 1e-6
"""Below this deviation over the horizon, the drift of the logarithm is numerically 0."""


def distance(price: float, limit: float, variance_rate: float, seconds_between_ticks: float) -> float:
    """ln(limit / price), corrected for ticks `seconds_between_ticks` apart; 0 at the limit itself.

    variance_rate: of the log price, per second.
    """
    length = math.log(limit / price)
    if not length:
        return 0.0
    return length + math.copysign(BARRIER_SHIFT * math.sqrt(variance_rate * seconds_between_ticks), length)


def hit_probability(distance: float, variance: float) -> float:
    """The probability that the log price moves by `distance` (signed) within the horizon.

    variance: of the log price over the horizon. With 0, the probability is 1 at distance 0, else 0.
    """
    if not variance:
        return float(not distance)
    length, deviation = abs(distance), math.sqrt(variance)
    drift = math.copysign(variance / 2, -distance)  # of the logarithm, towards the limit
    # exp(2 nu b / sigma^2) of the textbook is the ratio of the two prices here, which can't overflow.
    ratio = math.exp(-distance)
    return min(_normal((drift - length) / deviation) + ratio * _normal((-drift - length) / deviation), 1.0)


def expected_time(distance: float, variance: float, horizon: float) -> float | None:
    """Expected time until the log price has moved by `distance`, given that it does so within `horizon`.

    variance: over the horizon. In the unit of `horizon`; None when it is practically impossible.
    """
    probability = hit_probability(distance, variance)
    if not distance:
        return 0.0
    if probability < 1e-200:
        return None
    length, deviation = abs(distance), math.sqrt(variance)
    if deviation < _DRIFTLESS:
        reach = length / deviation
        density = math.exp(-reach * reach / 2) / math.sqrt(2 * math.pi)
        share = reach * density / _normal(-reach) - reach * reach
    else:
        drift = math.copysign(variance / 2, -distance)
        towards = _normal((drift - length) / deviation)
        away = math.exp(-distance) * _normal((-drift - length) / deviation)
        share = length / drift * (towards - away) / probability
    return horizon * min(max(share, 0.0), 1.0)


def _normal(x: float) -> float:
    """The standard normal distribution function, exact in both tails."""
    return math.erfc(-x / math.sqrt(2)) / 2
