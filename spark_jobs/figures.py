"""The statistics of one symbol, computed from exact sums and rounded once, at the end.

A price is an integer below 1e17, in units of 1e-8. Its square is split into three products of its upper and
lower nine digits. Their sums fit Spark's decimals, which are exact. A sum of doubles near 1e6 would lose the
digits that matter for a small deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from math import isqrt
from typing import Literal

Method = Literal["sigma", "hampel"]
"""The outlier test."""
SPLIT = 10**9
UNITS = 10**8
"""Units in one currency unit."""
MOST = 10**17 - 1
"""The highest price, in units."""
SIGMAS = 3
MAD_TO_SIGMA = Fraction("1.4826")
"""For normal prices, the median absolute deviation times this factor estimates sigma."""
_DIGITS = Context(prec=60)


@dataclass(frozen=True)
class Sums:
    """Sums of prices. high2, cross, low2: sums of h * h, h * l and l * l, where a price is h * SPLIT + l."""

    count: int
    total: int
    high2: int
    cross: int
    low2: int

    @property
    def squares(self) -> int:
        """The sum of the squares, in units squared."""
        return self.high2 * SPLIT**2 + 2 * self.cross * SPLIT + self.low2

    @property
    def spread(self) -> int:
        """n times the sum of squared deviations from the mean."""
        return self.count * self.squares - self.total**2

    def mean(self) -> float:
        """In currency units."""
        return float(Fraction(self.total, self.count * UNITS))

    def stddev(self) -> float | None:
        """Of the sample, in currency units; None for fewer than two prices."""
        if self.count < 2:
            return None
        variance = _DIGITS.divide(Decimal(self.spread), Decimal(self.count * (self.count - 1)))
        return float(_DIGITS.divide(_DIGITS.sqrt(variance), Decimal(UNITS)))


@dataclass(frozen=True)
class Figures:
    """The statistics of one symbol.

    low, high: its lowest and highest price. median2: twice the median. mad4: four times the median absolute
    deviation from it. All in units.
    """

    symbol: str
    sums: Sums
    low: int
    high: int
    median2: int
    mad4: int

    def inside(self, method: Method) -> tuple[int, int]:
        """The lowest and the highest price, in units, that is not an outlier."""
        return self.inside_sigma() if method == "sigma" else self.inside_hampel()

    def inside_sigma(self) -> tuple[int, int]:
        """The lowest and the highest price within SIGMAS standard deviations of the mean, in units.

        |u - S/n| <= k sd if and only if (n u - S)^2 <= k^2 n D / (n - 1), where D is the spread.
        """
        n = self.sums.count
        if n < 2:
            return 0, MOST
        reach = isqrt(SIGMAS**2 * n * self.sums.spread // (n - 1))
        return _within(self.sums.total - reach, self.sums.total + reach, n)

    def inside_hampel(self) -> tuple[int, int]:
        """The same within SIGMAS times MAD_TO_SIGMA times the MAD of the median."""
        reach = int(SIGMAS * MAD_TO_SIGMA * self.mad4 / 2)
        return _within(self.median2 - reach, self.median2 + reach, 2)


def price_of(units: int) -> Decimal:
    """Units as a price, in currency units."""
    return Decimal(units).scaleb(-8)


def price_text(price: Decimal) -> str:
    """A price with at least two decimals."""
    text = f"{price:.8f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2}"


def _within(low: int, high: int, divisor: int) -> tuple[int, int]:
    """The integers from low / divisor to high / divisor that are valid prices."""
    return max(0, -(-low // divisor)), min(MOST, high // divisor)
