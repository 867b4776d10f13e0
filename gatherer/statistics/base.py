"""What a statistic is computed of, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gatherer.multiset import PriceMultiset
from gatherer.returns import Ewma
from gatherer.window import Window


class View(NamedTuple):
    """A window at its end. mean, stddev: currency units. ewma: that of the position."""

    window: Window
    mean: float
    stddev: float | None
    ewma: Ewma

    @property
    def prices(self) -> PriceMultiset:
        """The window's prices; ValueError unless one of the statistics needs them."""
        if self.window.prices is None:
            raise ValueError(f"the window {self.window.label} does not count its prices")
        return self.window.prices


@dataclass(frozen=True)
class Computation:
    """How a statistic is computed.

    compute: the values of its fields in the catalogue's order, None for what is undefined. needs_prices:
    whether panes have to count each price; the window then has its `prices`.
    """

    compute: Callable[[View], Sequence[float | None]]
    needs_prices: bool = False
