"""Price models: they make the prices of one position.

A model returns blocks of prices. The prices do not depend on the sizes of the blocks, so a paced run and a
fast one have the same prices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from task_runtime.errors import SettingsError

SECONDS_PER_DAY = 24 * 3600
SECONDS_PER_YEAR = 365 * SECONDS_PER_DAY
"""Volatility is quoted per calendar year, because these markets never close."""

REVERSION_SECONDS = 60.0
"""The time after which 1/e of the distance of `ou` from the start price is left."""

REGIME_SECONDS = 30.0
"""The mean length of a calm, and of a turbulent time of `regimes`."""

TURBULENCE = 4.0
"""The ratio of turbulent to calm volatility."""

JUMP_SECONDS = 60.0
"""The mean time between two jumps of `regimes`."""

JUMP_SIZE = 0.05
"""Standard deviation of the log return of a jump, in multiples of the volatility: that of 200 s of calm."""

LONG_REVERSION_SECONDS = 1800.0
"""The time constant with which `regimes` reverts to the start price. It keeps prices near it over days, and
is too long to matter to a forecast of minutes.
"""

Prices = NDArray[np.float64]


class PriceModel(Protocol):
    """The price path of one position, in currency units, not yet rounded.

    state: what the next prices depend on beside the random numbers. Set it to continue another model's path.
    """

    state: tuple[float, ...]

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
        self.state: tuple[float, ...] = (0.0,)
        self._deviation = volatility * math.sqrt(seconds / SECONDS_PER_YEAR)

    def next(self, count: int) -> Prices:
        steps = self._deviation * self._random.standard_normal(count) - self._deviation**2 / 2
        # cumsum adds from left to right, so the path does not depend on the sizes of the blocks.
        path = np.cumsum(np.concatenate((self.state, steps)))
        self.state = (float(path[-1]),)
        return np.asarray(self._start * np.exp(path[:-1]))


class OrnsteinUhlenbeck:
    """The log price begins at that of the start price, and reverts to it.

    volatility: standard deviation of the log price in the long run. The exact discretisation:
    x[k+1] = phi x[k] + volatility sqrt(1 - phi^2) z with phi = exp(-seconds / REVERSION_SECONDS).
    """

    def __init__(self, random: np.random.Generator, start: float, volatility: float, seconds: float) -> None:
        self._random = random
        self._start = start
        self.state: tuple[float, ...] = (0.0,)
        self._phi = math.exp(-seconds / REVERSION_SECONDS)
        self._deviation = volatility * math.sqrt(-math.expm1(-2 * seconds / REVERSION_SECONDS))

    def next(self, count: int) -> Prices:
        shocks = (self._deviation * self._random.standard_normal(count)).tolist()
        phi = self._phi
        path = list(accumulate(shocks, lambda log, shock: phi * log + shock, initial=self.state[0]))
        self.state = (path.pop(),)
        return np.asarray(self._start * np.exp(path))


class Regimes:
    """Calm and turbulent times alternate, and sometimes the price jumps.

    volatility: standard deviation of the log return over a calm day; in turbulent times it is TURBULENCE
    times that. The regime is a Markov chain whose states last REGIME_SECONDS on average, jumps are a Poisson
    process (Hamilton, "A new approach to the economic analysis of nonstationary time series and the business
    cycle", Econometrica 1989; Merton, "Option pricing when underlying stock returns are discontinuous",
    Journal of Financial Economics 1976). The log price begins calm at that of the start price, and reverts to
    it slowly.
    """

    def __init__(self, random: np.random.Generator, start: float, volatility: float, seconds: float) -> None:
        self._random = random
        self._start = start
        self.state: tuple[float, ...] = (0.0, 0.0)
        self._calm = volatility * math.sqrt(seconds / SECONDS_PER_DAY)
        self._jump = volatility * JUMP_SIZE
        self._switch_chance = -math.expm1(-2 * seconds / REGIME_SECONDS) / 2
        self._jump_chance = -math.expm1(-seconds / JUMP_SECONDS)
        self._phi = math.exp(-seconds / LONG_REVERSION_SECONDS)

    def next(self, count: int) -> Prices:
        # Each tick has a row of random numbers, so the path does not depend on the sizes of the blocks.
        first, second, switch, jump = self._random.random((count, 4)).T
        # Two independent normal numbers (Box and Muller): one for the step, one for a jump.
        radius, angle = np.sqrt(-2 * np.log1p(-first)), 2 * np.pi * second
        log, turbulent = self.state
        regime = (turbulent + np.cumsum(switch < self._switch_chance)) % 2
        steps = self._calm * np.where(regime, TURBULENCE, 1.0) * radius * np.cos(angle)
        jumps = np.where(jump < self._jump_chance, self._jump * radius * np.sin(angle), 0.0)
        phi = self._phi
        path = list(accumulate((steps + jumps).tolist(), lambda log, shock: phi * log + shock, initial=log))
        self.state = (path.pop(), float(regime[-1]) if count else turbulent)
        return np.asarray(self._start * np.exp(path))


class Uniform:
    """Independent prices, evenly spread around the start price. No random walk: forecasts mean nothing here.

    volatility: standard deviation of a price relative to the start price; the prices lie within sqrt(3)
    of it.
    """

    state: tuple[float, ...] = ()

    def __init__(self, random: np.random.Generator, start: float, volatility: float, seconds: float) -> None:
        if volatility * math.sqrt(3) >= 1:
            raise SettingsError(
                f"--volatility (GENERATOR_VOLATILITY) {volatility:g} makes prices of the model "
                f"uniform negative; it must be below {1 / math.sqrt(3):.3f}"
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

    state: tuple[float, ...] = ()

    def __init__(self, random: np.random.Generator, start: float, volatility: float, seconds: float) -> None:
        self._random = random
        self._start = start
        self._deviation = start * volatility

    def next(self, count: int) -> Prices:
        return self._random.normal(self._start, self._deviation, count)


Model = Callable[[np.random.Generator, float, float, float], PriceModel]
"""Makes a model of: random numbers, start price, volatility, seconds between two ticks."""

MODELS: dict[str, Model] = {
    "regimes": Regimes,
    "gbm": Gbm,
    "ou": OrnsteinUhlenbeck,
    "uniform": Uniform,
    "normal": Normal,
}


def position_random(seed: int, symbol: str) -> np.random.Generator:
    """A stream of random numbers that depends on the seed and the symbol only, not on the other positions."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(symbol.encode())))
