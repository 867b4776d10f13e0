"""The input of a statistic, and the form of its computation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gatherer.multiset import PriceMultiset
from gatherer.returns import Ewma
from gatherer.window import Window


class View(NamedTuple):
    """A window at its end. mean, stddev: currency units. ewma: of the position."""

    window: Window
    mean: float
    stddev: float | None
    ewma: Ewma

    @property
    def prices(self) -> PriceMultiset:
        """The window's prices; ValueError unless a statistic needs them."""
        if self.window.prices is None:
            raise ValueError(f"the window {self.window.label} does not count its prices")
        return self.window.prices


@dataclass(frozen=True)
class Computation:
    """How a statistic is computed.

    compute: returns the values of its fields in the catalogue's order, None where undefined. needs_prices:
    whether panes must count each price, so that the window has `prices`.
    """

    compute: Callable[[View], Sequence[float | None]]
    needs_prices: bool = False
