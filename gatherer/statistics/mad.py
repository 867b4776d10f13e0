"""The scaled median absolute deviation of the prices of a window, exact.

Cost: that of the median, and a few bisections.
"""

from __future__ import annotations

from gatherer.panes import UNIT
from gatherer.statistics.base import Computation, View

SCALE = 1.4826
"""Makes the median absolute deviation of normal prices an estimate of their standard deviation."""


def _compute(view: View) -> tuple[float]:
    _, quadrupled = view.prices.order_statistics()
    return (quadrupled * 14826 / (4 * UNIT * 10000),)


COMPUTATION = Computation(_compute, needs_prices=True)
