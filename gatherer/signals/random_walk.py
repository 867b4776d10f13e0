"""Whether returns are those of a random walk: the variance ratio test of Lo and MacKinlay.

The variance of returns over q samples is q times that over one if prices are a random walk, and less if they
are pulled back: independent prices around a level have ratios near 1/q. z is robust to volatility that
changes (Lo and MacKinlay, "Stock market prices do not follow random walks", Review of Financial Studies 1988,
z*, in its form by autocorrelations; the mean return is taken as 0, as everywhere here).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

LEAST_MOVES = 60
"""With fewer returns that are not 0, independent prices could pass for a random walk."""
HORIZONS = (2, 4, 8)


class VarianceRatio(NamedTuple):
    """samples: over how many. ratio: 1 for a random walk. z: its distance from 1 in standard errors."""

    samples: int
    ratio: float
    z: float


class Bounds(NamedTuple):
    """A ratio is out of bounds when it is more than `z` standard errors and more than `deviation` from 1.

    In a long window a ratio of .95, from prices in whole cents, is significant and does a forecast no harm.
    """

    z: float
    deviation: float


REJECT = Bounds(3.0, 0.3)
ACCEPT = Bounds(2.0, 0.2)
"""Two bounds, so that the answer does not flap: what lies between them changes nothing."""


def variance_ratios(returns: Sequence[float]) -> list[VarianceRatio]:
    """The variance ratios over HORIZONS; the returns must not all be 0."""
    squares = list(map(mul, returns, returns))
    total = sum(squares)
    correlation, deviation = [0.0], [0.0]
    for lag in range(1, max(HORIZONS)):
        correlation.append(sum(map(mul, returns, returns[lag:])) / total)
        deviation.append(sum(map(mul, squares, squares[lag:])) / (total * total))
    found = []
    for q in HORIZONS:
        weights = [2 * (q - lag) / q for lag in range(1, q)]
        ratio = 1 + sum(map(mul, weights, correlation[1:]))
        error = math.sqrt(sum(w * w * d for w, d in zip(weights, deviation[1:], strict=False)))
        found.append(VarianceRatio(q, ratio, (ratio - 1) / error if error else 0.0))
    return found


def violation(returns: Sequence[float], bounds: Bounds) -> VarianceRatio | None:
    """The ratio that speaks most against a random walk, if any is out of bounds."""
    against = [
        each
        for each in variance_ratios(returns)
        if abs(each.z) > bounds.z and abs(each.ratio - 1) > bounds.deviation
    ]
    return max(against, key=lambda each: abs(each.z), default=None)
