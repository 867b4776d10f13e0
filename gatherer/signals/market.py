"""Decides whether the prices of a window can be forecast, and with which variance."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import add, mul
from typing import Any, NamedTuple

from gatherer.returns import Returns
from gatherer.signals.random_walk import ACCEPT, REJECT, out_of_bounds, variance_ratios
from gatherer.window import Window

LEAST_MOVES = 60
"""With fewer nonzero returns, independent prices could pass for a random walk."""
STRIDES = 1, 4
"""Samples from one return to the next. Prices in whole cents seem to revert when they move by less than a
cent per sample; independent prices seem to revert at every stride.
"""
_NOTHING = 1e-14
"""The rounding error that moves may leave that undo each other."""
_STILL_ENOUGH = 0.8
"""A decision stands down to this fraction of the least moves, so that it does not flap."""


class Market(NamedTuple):
    """The input of a forecast. variance_rate: of the log price, per second."""

    variance_rate: float
    seconds_between_ticks: float


class NoForecast(NamedTuple):
    """Why there is no forecast. state: "too_few", "no_walk" or "not_positive". reason: a sentence."""

    state: str
    reason: str


class MarketModel:
    """Judges a window's returns, and remembers the result."""

    def __init__(self) -> None:
        self.found: Market | NoForecast | None = None
        self._stride: int | None = None

    @property
    def undecided(self) -> bool:
        """Whether more samples may decide."""
        return self.found is None or (isinstance(self.found, NoForecast) and self.found.state != "no_walk")

    @property
    def least_moves(self) -> float:
        """How many returns must differ from 0."""
        return LEAST_MOVES * (1 if self.undecided else _STILL_ENOUGH)

    def judge(
        self, window: Window, returns: Callable[[Window], Returns], *, slide_ends: bool
    ) -> Market | NoForecast:
        """Judge a window. The test passes over all returns, so it does not run at each pane."""
        if window.undefined:
            return self.no_logarithms(window.label)
        if window.moves < self.least_moves:
            return self.too_few(window.moves, window.label)
        if self.found is None or self.undecided or slide_ends:
            return self.look(returns(window), window.n, window.label)
        return self.found

    def too_few(self, moves: int, window: str) -> NoForecast:
        """Record that there are too few nonzero returns."""
        self._stride = None
        self.found = NoForecast(
            "too_few",
            f"There is no forecast: in the last {window} the price moved in {moves} samples. At least "
            f"{LEAST_MOVES} are needed to see whether it is a random walk.",
        )
        return self.found

    def no_logarithms(self, window: str) -> NoForecast:
        """Record that a price is not above 0."""
        self._stride = None
        self.found = NoForecast(
            "not_positive",
            f"There is no forecast: a price of the last {window} is not above 0 and has no logarithm.",
        )
        return self.found

    def look(self, returns: Returns, ticks: int, window: str) -> Market | NoForecast:
        """Judge the returns of a window. There must be enough, each with a logarithm.

        ticks: the number of ticks in the window.
        """
        rejected = False
        samples = list(returns.logs)
        for stride in STRIDES:
            logs = _over(samples, stride)
            if sum(abs(log) > _NOTHING for log in logs) < self.least_moves * stride:
                break
            ratios = variance_ratios(logs, stride)
            if not out_of_bounds(ratios, REJECT if stride == self._stride else ACCEPT):
                self._stride = stride
                self.found = _market(samples, returns.seconds, ticks)
                return self.found
            rejected = rejected or out_of_bounds(ratios, REJECT)
        if rejected:
            self._stride = None
            self.found = NoForecast(
                "no_walk",
                f"There is no forecast: by the variance ratio test, the prices of the last {window} are not "
                "a random walk.",
            )
        elif not isinstance(self.found, NoForecast):
            return self.too_few(sum(map(bool, samples)), window)
        return self.found

    def dump(self) -> tuple[Any, ...]:
        """The state, as plain values."""
        return self._stride, isinstance(self.found, Market), None if self.found is None else tuple(self.found)

    def restore(self, dumped: tuple[Any, ...]) -> None:
        """Restore the state."""
        self._stride, market, found = dumped
        self.found = None if found is None else Market(*found) if market else NoForecast(*found)


def _market(samples: list[float], seconds: float, ticks: int) -> Market:
    """The variance rate, from the longest returns of which there are enough: the rounding of prices adds the
    same variance to each return, whatever time it spans.
    """
    stride = max(stride for stride in STRIDES if stride == 1 or len(samples) >= stride * LEAST_MOVES)
    logs = _over(samples, stride)
    squares = math.fsum(map(mul, logs, logs))
    return Market(squares / (len(logs) * stride * seconds / len(samples)), seconds / ticks)


def _over(values: list[float], stride: int) -> list[float]:
    """The sums of each `stride` consecutive values; `stride` is a power of two."""
    span = 1
    while span < stride:
        values = list(map(add, values, values[span:]))
        span *= 2
    return values
