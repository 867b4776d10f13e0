"""The root of the sum of the squared log returns of a window. Cost: none beyond the window's running sum."""

from __future__ import annotations

from gatherer.returns import realized_volatility
from gatherer.statistics.base import Computation, View


def _compute(view: View) -> tuple[float | None]:
    window = view.window
    if not window.returns or window.undefined:
        return (None,)
    return (realized_volatility(window.squares),)


COMPUTATION = Computation(_compute)
