"""The sample skewness of the prices of a window: G1, the adjusted Fisher-Pearson coefficient.

G1 = sqrt(n (n - 1)) / (n - 2) * m3 / m2^(3/2), with the central moments m2 and m3 of divisor n (Joanes and
Gill, "Comparing measures of sample skewness and kurtosis", The Statistician 47, 1998). n^2 m2 and n^3 m3 are
whole numbers of units squared and cubed, made of exact power sums, so nothing cancels.

Cost: a pass over the window's distinct prices in Python, for the sum of cubes.
"""

from __future__ import annotations

import math

from gatherer.statistics.base import Computation, View


def _compute(view: View) -> tuple[float | None]:
    n, total, squares = view.window.n, view.window.total, view.window.sum_of_squares
    second = n * squares - total * total
    if n < 3 or not second:
        return (None,)
    cubes = sum(count * price**3 for price, count in view.prices.items())
    third = n * (n * cubes - 3 * total * squares) + 2 * total**3
    return (math.sqrt(n * (n - 1)) / (n - 2) * (third / second) / math.sqrt(second),)


COMPUTATION = Computation(_compute, needs_prices=True)
