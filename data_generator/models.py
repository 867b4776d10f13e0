"""Price models: where the next prices of one position come from.

A model is asked for blocks of prices. The sizes of the blocks make no difference to the prices, so a run
is the same whether it is paced or hurried.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data_generator.errors import SettingsError

SECONDS_PER_YEAR = 365 * 24 * 3600
"""Volatility is quoted per calendar year: these prices never close for the night."""

REVERSION_SECONDS = 60.0
"""The time in which `ou` closes all but 1/e of its distance from the start price."""

Prices = NDArray[np.float64]


class PriceModel(Protocol):
    """The price path of one position, in currency units, not yet rounded.

    level: all that the next prices depend on beside the random numbers; set, it continues another's path.
    """

    level: float

    def next(self, count: int) -> Prices:
        """The next prices."""


class Gbm:
    """Geometric Brownian motion without drift: the first price is the start price, the expected price
    stays there.

    volatility: standard deviation of the log return over a year; over one tick of `seconds` it is
    volatility * sqrt(seconds / SECONDS_PER_YEAR).
    """

    def __init__(self, random: np.random.Generator, start: float, volatility: float, seconds: float) -> None:
        self._random = random
        self._start = start
        self.level = 0.0
        self._deviation = volatility * math.sqrt(seconds / SECONDS_PER_YEAR)

    def next(self, count: int) -> Prices:
        steps = self._deviation * self._random.standard_normal(count) - self._deviation**2 / 2
        # cumsum adds from left to right, so that a path does not depend on where its blocks end.
        path = np.cumsum(np.concatenate(([self.level], steps)))
        self.level = float(path[-1])
        return np.asarray(self._start * np.exp(path[:-1]))


class OrnsteinUhlenbeck:
    """The logarithm of the price reverts to that of the start price, at which it begins.

    volatility: standard deviation of the log price in the long run. The exact discretisation:
    x[k+1] = phi x[k] + volatility sqrt(1 - phi^2) z with phi = exp(-seconds / REVERSION_SECONDS).
    """

    def __init__(self, random: np.random.Generator, start: float, volatility: float, seconds: float) -> None:
        self._random = random
        self._start = start
        self.level = 0.0
        self._phi = math.exp(-seconds / REVERSION_SECONDS)
        self._deviation = volatility * math.sqrt(-math.expm1(-2 * seconds / REVERSION_SECONDS))

    def next(self, count: int) -> Prices:
        shocks = (self._deviation * self._random.standard_normal(count)).tolist()
        phi = self._phi
        path = list(accumulate(shocks, lambda log, shock: phi * log + shock, initial=self.level))
        self.level = path.pop()
        return np.asarray(self._start * np.exp(path))


class Uniform:
    """Independent prices, evenly spread around the start price. No random walk: forecasts mean nothing here.

    volatility: standard deviation of a price relative to the start price; the prices lie within sqrt(3)
    of it.
    """

    level = 0.0

    def __init__(self, random: np.random.Generator, start: float, volatility: float, seconds: float) -> None:
        if volatility * math.sqrt(3) >= 1:
            raise SettingsError(
                f"volatility {volatility:g} would make prices of the model uniform negative; it must be "
                f"below {1 / math.sqrt(3):.3f}"
            )
        self._random = random
        self._start = start
        self._half_width = start * volatility * math.sqrt(3)

    def next(self, count: int) -> Prices:
        return self._random.uniform(self._start - self._half_width, self._start + self._half_width, count)


class Normal:
    """Independent prices, normal around the start price. No random walk: forecasts mean nothing here.

    volatility: standard deviation of a price relative to the start price.
    """

    level = 0.0

    def __init__(self, random: np.random.Generator, start: float, volatility: float, seconds: float) -> None:
        self._random = random
        self._start = start
        self._deviation = start * volatility

    def next(self, count: int) -> Prices:
        return self._random.normal(self._start, self._deviation, count)


Model = Callable[[np.random.Generator, float, float, float], PriceModel]
"""Makes a model of: random numbers, start price, volatility, seconds between two ticks."""

MODELS: dict[str, Model] = {"gbm": Gbm, "uniform": Uniform, "normal": Normal, "ou": OrnsteinUhlenbeck}


def position_random(seed: int, symbol: str) -> np.random.Generator:
    """A stream of random numbers that depends on the seed and the symbol only, not on the other positions."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(symbol.encode())))
