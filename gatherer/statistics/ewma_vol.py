"""The exponentially weighted volatility of the position. Cost: a few multiplications per pane."""

from __future__ import annotations

from gatherer.statistics.base import Computation, View


def _compute(view: View) -> tuple[float | None]:
    return (view.ewma.volatility,)


COMPUTATION = Computation(_compute)
