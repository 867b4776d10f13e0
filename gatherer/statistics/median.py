"""The median of the prices of a window, exact. Cost: a pass over the window's distinct prices in C."""

from __future__ import annotations

from gatherer.panes import UNIT
from gatherer.statistics.base import Computation, View


def _compute(view: View) -> tuple[float]:
    doubled, _ = view.prices.order_statistics()
    return (doubled / (2 * UNIT),)


COMPUTATION = Computation(_compute, needs_prices=True)
