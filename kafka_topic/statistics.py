"""The catalogue of optional statistics: the fields that each adds to a record of `movingaverage`.

There is no other list of them. The contract, the settings' choices, the API's description and the page's
columns derive from it. The gatherer computes a statistic in the module `gatherer.statistics.<name>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One field of a statistic: a number, or null where it is undefined.

    unit, meaning: for people. column: its heading on the page; None leaves it out there. scientific: whether
    the page shows it as 1.23e-4. The rest are rules for the value: it is at least the number `least`, at
    least the field `at_least`, at most the field `at_most`, and null exactly when the field `null_with` is
    null.
    """

    name: str
    unit: str
    meaning: str
    column: str | None = None
    scientific: bool = False
    least: float | None = None
    at_least: str | None = None
    at_most: str | None = None
    null_with: str | None = None


@dataclass(frozen=True)
class Statistic:
    """One statistic. The setting `gatherer.statistics` switches it on by its name.

    default: whether it is on when GATHERER_STATISTICS is not set.
    """

    name: str
    fields: tuple[Field, ...]
    default: bool = True


_PRICE = "currency units"
_ALL = (
    Statistic(
        "median", (Field("median", _PRICE, "median of the prices", "median", at_least="min", at_most="max"),)
    ),
    Statistic(
        "mad",
        (
            Field(
                "mad",
                _PRICE,
                "median absolute deviation from the median times 1.4826, an estimate of sigma for normal "
                "prices",
                "MAD",
                least=0,
            ),
        ),
    ),
    Statistic(
        "realized_vol",
        (
            Field(
                "realized_vol",
                "none",
                "root of the sum of the squared log returns in the window, each from the last price of a "
                "pane to that of the next; for the window's length, not annualised; null where one of these "
                "prices is not above 0",
                "realized vol",
                scientific=True,
                least=0,
            ),
        ),
    ),
    Statistic(
        "ewma_vol",
        (
            Field(
                "ewma_vol",
                "per square root of a second",
                "root of the exponentially weighted mean of squared log returns per second; a price that is "
                "not above 0 makes it null, and it starts over",
                "EWMA vol/√s",
                scientific=True,
                least=0,
            ),
        ),
    ),
    Statistic(
        "bollinger",
        (
            Field(
                "bollinger_upper", _PRICE, "mean + 2 stddev", null_with="stddev", at_least="bollinger_lower"
            ),
            Field("bollinger_lower", _PRICE, "mean - 2 stddev", null_with="stddev"),
        ),
    ),
    Statistic(
        "skewness",
        (
            Field(
                "skewness",
                "none",
                "sample skewness of the prices, G1; null when count < 3 or stddev is 0",
                "skewness",
            ),
        ),
        default=False,
    ),
)
STATISTICS: Mapping[str, Statistic] = {each.name: each for each in _ALL}
"""By name, in the order of their fields in a record."""
FIELDS: Mapping[str, Field] = {field.name: field for each in _ALL for field in each.fields}
"""The fields of all statistics, in the order of a record."""
OWNERS: Mapping[str, str] = {field.name: each.name for each in _ALL for field in each.fields}
"""The name of each field's statistic."""


DEFAULT_STATISTICS = ",".join(name for name, each in STATISTICS.items() if each.default)
"""The value of GATHERER_STATISTICS when it is not set."""


def read_statistics(text: str) -> tuple[str, ...]:
    """The names in the apps' variable GATHERER_STATISTICS, "median,mad", in the catalogue's order.

    Raises ValueError for an unknown name.
    """
    wanted = set(filter(None, text.split(",")))
    if unknown := sorted(wanted - STATISTICS.keys()):
        raise ValueError(f"there is no statistic {unknown[0]}; there are {', '.join(STATISTICS)}")
    return tuple(name for name in STATISTICS if name in wanted)
