"""The variance ratio test of Lo and MacKinlay: whether returns are those of a random walk.

If prices are a random walk, the variance of returns over q samples is q times that over one sample. It is
less if prices revert: independent prices around a level have ratios near 1/q. z is robust to volatility that
changes (Lo and MacKinlay, "Stock market prices do not follow random walks", Review of Financial Studies 1988,
z*, in its form by autocorrelations; the mean return is taken as 0, as everywhere here).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

HORIZONS = (2, 4)


class VarianceRatio(NamedTuple):
    """samples: q. ratio: 1 for a random walk. z: its distance from 1 in standard errors."""

    samples: int
    ratio: float
    z: float


class Bounds(NamedTuple):
    """A ratio is out of bounds when it is more than `z` standard errors and more than `deviation` from 1.

    In a long window a ratio of 0.95, from prices in whole cents, is significant, but does a forecast no harm.
    The ratio over two samples is also out of bounds below `least`, whatever the number of samples.
    """

    z: float
    deviation: float
    least: float


REJECT = Bounds(3.0, 0.3, 0.0)
ACCEPT = Bounds(2.0, 0.2, 0.75)
"""Two bounds, so that the answer does not flap: a ratio between them changes nothing. A random walk is
accepted only when the ratio over two samples is nearer to its 1 than to the 1/2 of independent prices.
"""


def variance_ratios(returns: Sequence[float], stride: int = 1) -> list[VarianceRatio]:
    """The variance ratios over HORIZONS; the returns must not all be 0.

    stride: how many samples each return spans. A return begins at each sample, so returns overlap, and the
    start does not matter. Their standard errors are those of returns that do not overlap, which are a little
    larger.
    """
    squares = list(map(mul, returns, returns))
    total = sum(squares)
    correlation, deviation = [], []
    for lag in range(stride, stride * max(HORIZONS), stride):
        correlation.append(sum(map(mul, returns, returns[lag:])) / total)
        deviation.append(stride * sum(map(mul, squares, squares[lag:])) / (total * total))
    found = []
    for q in HORIZONS:
        weights = [2 * (q - lag) / q for lag in range(1, q)]
        ratio = 1 + sum(map(mul, weights, correlation))
        error = math.sqrt(
            sum(weight * weight * each for weight, each in zip(weights, deviation, strict=False))
        )
        found.append(VarianceRatio(q, ratio, (ratio - 1) / error if error else 0.0))
    return found


def out_of_bounds(ratios: Sequence[VarianceRatio], bounds: Bounds) -> bool:
    """Whether a variance ratio is out of bounds."""
    return any(
        (abs(each.z) > bounds.z and abs(each.ratio - 1) > bounds.deviation)
        or (each.samples == 2 and each.ratio < bounds.least)
        for each in ratios
    )
