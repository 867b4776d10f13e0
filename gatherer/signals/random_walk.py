"""Whether returns are those of a random walk: the variance ratio test of Lo and MacKinlay.

The variance of returns over q samples is q times that over one if prices are a random walk, and less if they
are pulled back: independent prices around a level have ratios near 1/q. z is robust to volatility that changes
(Lo and MacKinlay, "Stock market prices do not follow random walks", Review of Financial Studies 1988, z*, in
its form by autocorrelations; the mean return is taken as 0, as everywhere here).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

LEAST_MOVES = 30
"""With fewer returns that are not 0, even independent prices could not be told from a random walk."""
HORIZONS = (2, 4, 8)
REJECT_Z, ACCEPT_Z = 2.6, 1.6
"""Rejected above, accepted again below: two bounds, so that the answer does not flap."""
REJECT_DEVIATION, ACCEPT_DEVIATION = 0.2, 0.15
"""How far a ratio has to be from 1 to matter. In a long window a ratio of .95, from prices in whole cents, is
significant and does a forecast no harm."""


class VarianceRatio(NamedTuple):
    """ratio: 1 for a random walk. z: its distance from 1 in standard errors."""

    samples: int
    ratio: float
    z: float


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


def violation(returns: Sequence[float], violated: bool) -> VarianceRatio | None:
    """The ratio that speaks most against a random walk, if it does; `violated`: whether it did before."""
    z, deviation = (ACCEPT_Z, ACCEPT_DEVIATION) if violated else (REJECT_Z, REJECT_DEVIATION)
    against = [
        each for each in variance_ratios(returns) if abs(each.z) > z and abs(each.ratio - 1) > deviation
    ]
    return max(against, key=lambda each: abs(each.z), default=None)
