"""Mean, standard deviation and coefficient of variation of a window, from its exact sums.

Sums are whole units of 1e-8. Each result is rounded only in its last steps (the quotient of two Python ints
is correctly rounded), so nothing cancels: a constant price has a deviation of exactly 0.
"""

from __future__ import annotations

import math

from gatherer.panes import UNIT

_SQUARE_UNIT = UNIT * UNIT


def mean(n: int, total: int) -> float:
    """Arithmetic mean, currency units."""
    return total / (n * UNIT)


def stddev(n: int, total: int, sum_of_squares: int) -> float | None:
    """Sample standard deviation (divisor n - 1), currency units; None for fewer than two ticks."""
    if n < 2:
        return None
    return math.sqrt((n * sum_of_squares - total * total) / (n * (n - 1) * _SQUARE_UNIT))


def cv(mean: float, stddev: float | None) -> float | None:
    """Coefficient of variation in percent, of the absolute mean, so that it is never negative.

    None without a standard deviation, or when the mean is 0.
    """
    return None if stddev is None or mean == 0 else 100 * stddev / abs(mean)
