"""The figures of prices by their definitions, in fractions: slow, and without a shortcut."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from statistics import median


def stddev(values: Sequence[Fraction]) -> float | None:
    """Of a sample."""
    if len(values) < 2:
        return None
    mean = sum(values, Fraction()) / len(values)
    variance = sum(((value - mean) ** 2 for value in values), Fraction()) / (len(values) - 1)
    return float(Context(prec=80).sqrt(Context(prec=80).divide(variance.numerator, variance.denominator)))


def mad(values: Sequence[Fraction]) -> Fraction:
    """Median absolute deviation from the median."""
    middle = median(values)
    return median(abs(value - middle) for value in values)


def is_outlier(method: str, value: Fraction, values: Sequence[Fraction]) -> bool:
    if method == "hampel":
        return abs(value - median(values)) > 3 * Fraction("1.4826") * mad(values)
    mean = sum(values, Fraction()) / len(values)
    if len(values) < 2:
        return False
    variance = sum(((each - mean) ** 2 for each in values), Fraction()) / (len(values) - 1)
    return (value - mean) ** 2 > 9 * variance


def figures(prices: Sequence[Decimal]) -> dict[str, float | int | None]:
    """As the report's JSON has them, the symbol aside."""
    values = [Fraction(price) for price in prices]
    return {
        "count": len(values),
        "min": float(min(values)),
        "max": float(max(values)),
        "mean": float(sum(values, Fraction()) / len(values)),
        "stddev": stddev(values),
        "median": float(median(values)),
        "mad": float(mad(values)),
    }
