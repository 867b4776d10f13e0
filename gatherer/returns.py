"""Log returns of one position, and volatilities made of them.

Previous-tick sampling: each pane with ticks gives one return, its last price against the last price of the
previous pane with ticks. Returns from tick to tick would measure the rounding to cents and the bid-ask
bounce, which grow with the number of ticks, instead of the volatility, which does not. This is the usual
calendar-time sampling of the realized-variance literature (Andersen, Bollerslev, Diebold and Labys, "The
distribution of realized exchange rate volatility", JASA 2001; Hansen and Lunde, "Realized variance and market
microstructure noise", JBES 2006).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

SQUARE_ONE = 1 << 200
"""Squared returns are added up as whole multiples of 2**-200. Sums are exact, so they do not drift as returns
enter and leave."""
_SQUARE_ONE = float(SQUARE_ONE)


class Returns(NamedTuple):
    """Consecutive returns, oldest first. logs: log returns, NaN where a price is not above 0. seconds: event
    time between the first tick and the last.
    """

    logs: Sequence[float]
    seconds: float


def log_return(earlier: int, later: int) -> float:
    """The log return from one price (units) to the next; NaN when one of them is not above 0."""
    if earlier <= 0 or later <= 0:
        return math.nan
    change = later - earlier
    if 2 * abs(change) < earlier:
        # A quotient near 1 has lost digits that the difference still has.
        return math.log1p(change / earlier)
    return math.log(later / earlier)


def square(log: float) -> int:
    """The square of a log return, in units of 2**-200."""
    return int(log * log * _SQUARE_ONE)


def realized_volatility(squares: int) -> float:
    """Root of a sum of squared log returns; dimensionless."""
    return math.sqrt(squares / SQUARE_ONE)


class Ewma:
    """Exponentially weighted volatility for irregular samples, per square root of a second.

    v <- lam v + (1 - lam) r^2 / dt with lam = exp(-dt ln 2 / half-life), dt in seconds. v is divided by the
    sum of its weights, so the first r^2 / dt is the first value and the start has no bias.
    """

    def __init__(self, half_life_seconds: float, weighted: float = 0.0, weights: float = 0.0) -> None:
        self._rate = math.log(2) / half_life_seconds
        self._ms = 0  # for which `_keep` and `_take` hold: most returns span a pane
        self._keep, self._take = 1.0, 0.0
        self.weighted = weighted
        self.weights = weights

    def add(self, log: float, ms: int) -> None:
        """Add a log return over `ms` milliseconds. A return over no time has no rate and is ignored.

        NaN resets the average; the next return is the first again.
        """
        if log != log:
            self.weighted = self.weights = 0.0
            return
        if ms <= 0:
            return
        seconds = ms / 1000
        if ms != self._ms:
            self._ms = ms
            self._keep, self._take = math.exp(-self._rate * seconds), -math.expm1(-self._rate * seconds)
        keep, take = self._keep, self._take
        self.weighted = keep * self.weighted + take * log * log / seconds
        self.weights = keep * self.weights + take

    @property
    def volatility(self) -> float | None:
        """None before the first return, and after a return without a logarithm."""
        return math.sqrt(self.weighted / self.weights) if self.weights else None
