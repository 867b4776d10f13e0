"""Bollinger's bands: the mean plus and minus two standard deviations. Cost: two additions."""

from __future__ import annotations

from gatherer.statistics.base import Computation, View

WIDTH = 2


def _compute(view: View) -> tuple[float | None, float | None]:
    if view.stddev is None:
        return None, None
    return view.mean + WIDTH * view.stddev, view.mean - WIDTH * view.stddev


COMPUTATION = Computation(_compute)
