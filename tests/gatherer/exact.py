"""What the windows of some ticks hold, by exact arithmetic over the raw records."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest

TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"
UNIT = 10**8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

Key = tuple[str, str, datetime]
"""Symbol, label of the window, its end."""


@dataclass(frozen=True)
class Tick:
    """A usable raw record: its event time in epoch ms, its price in units of 1e-8.

    order: ranks the ticks of one ms. clock: that of its partition just before it, None before any.
    """

    ms: int
    order: int
    units: int
    clock: int | None = None


def moment(ms: int) -> datetime:
    return _EPOCH + ms * _MS


def epoch_ms(when: datetime) -> int:
    return (when - _EPOCH) // _MS


def written(ms: int) -> str:
    """A time as it stands in a record."""
    return moment(ms).strftime(TIME_FORMAT)[:-3]


def key_of(record: dict[str, Any]) -> Key:
    end = datetime.strptime(record["window_end"], TIME_FORMAT).replace(tzinfo=UTC)
    return record["symbol"], record["window"], end


@dataclass(frozen=True)
class Window:
    """What a window holds, in whole units. median2: twice the median. mad4: four times the unscaled MAD."""

    length_ms: int
    n: int
    total: int
    squares: int
    low: int
    high: int
    last: int
    median2: int
    mad4: int
    realized: float | None
    ewma: float | None

    @classmethod
    def of(
        cls, length_ms: int, ticks: Collection[Tick], realized: float | None, ewma: float | None
    ) -> Window:
        prices = sorted(tick.units for tick in ticks)
        median2 = _doubled_median(prices)
        return cls(
            length_ms=length_ms,
            n=len(prices),
            total=sum(prices),
            squares=sum(price * price for price in prices),
            low=prices[0],
            high=prices[-1],
            last=max(ticks, key=lambda tick: (tick.ms, tick.order)).units,
            median2=median2,
            mad4=_doubled_median(sorted(abs(2 * price - median2) for price in prices)),
            realized=realized,
            ewma=ewma,
        )


def _doubled_median(ordered: list[int]) -> int:
    return ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]


def log_return(before: Tick, now: Tick) -> float:
    """Of a small change by the change, which is exact: a quotient near 1 has lost its digits."""
    change = Fraction(now.units - before.units, before.units)
    return math.log1p(change) if abs(change) < Fraction(1, 10) else math.log(1 + change)


def realized(lasts: list[Tick], since_ms: int) -> float | None:
    """The realized volatility from the last ticks of panes, in order; of those from `since_ms` on."""
    returns = [log_return(*pair) for pair in itertools.pairwise(lasts) if pair[1].ms >= since_ms]
    return math.sqrt(math.fsum(each * each for each in returns)) if returns else None


class Ewma:
    """The volatility of all returns so far, each weighted by its age."""

    def __init__(self, half_life_seconds: float = 60.0) -> None:
        self._half_life = half_life_seconds
        self._weighted = self._weights = 0.0

    def add(self, before: Tick, now: Tick) -> None:
        seconds = (now.ms - before.ms) / 1000
        keep = 0.5 ** (seconds / self._half_life)
        take = -math.expm1(-math.log(2) * seconds / self._half_life)
        self._weighted = keep * self._weighted + take * log_return(before, now) ** 2 / seconds
        self._weights = keep * self._weights + take

    @property
    def volatility(self) -> float | None:
        return math.sqrt(self._weighted / self._weights) if self._weights else None


def compare(record: dict[str, Any], window: Window) -> None:
    """Check one record of `movingaverage` against what its window holds."""
    n = window.n
    _, _, end = key_of(record)
    assert record["window_start"] == written(epoch_ms(end) - window.length_ms), record
    assert record["count"] == n, (record, n)
    for name, units in (("min", window.low), ("max", window.high), ("last", window.last)):
        assert record[name] == float(Fraction(units, UNIT)), (record, units)
    assert record["median"] == float(Fraction(window.median2, 2 * UNIT)), record
    mad = 1.4826 * float(Fraction(window.mad4, 4 * UNIT))
    assert record["mad"] == pytest.approx(mad, rel=1e-12, abs=0), record
    for name, volatility in (("realized_vol", window.realized), ("ewma_vol", window.ewma)):
        wanted = None if volatility is None else pytest.approx(volatility, rel=1e-9, abs=1e-15)
        assert record[name] == wanted, (record, name, volatility)
    with localcontext(prec=60):
        mean = Decimal(window.total) / n / UNIT
        assert abs(Decimal(record["mean"]) / mean - 1) < Decimal("1e-9"), (record, mean)
        if n == 1:
            assert record["stddev"] is None and record["cv"] is None, record
            assert record["bollinger_upper"] is None and record["bollinger_lower"] is None, record
            return
        squares = n * window.squares - window.total * window.total
        stddev = (Decimal(squares) / (n * (n - 1))).sqrt() / UNIT
        for name, sign in (("bollinger_upper", 1), ("bollinger_lower", -1)):
            assert abs(Decimal(record[name]) - (mean + sign * 2 * stddev)) < mean * Decimal("1e-12"), record
        if stddev == 0:
            assert record["stddev"] == 0 and record["cv"] == 0, record
            return
        assert abs(Decimal(record["stddev"]) / stddev - 1) < Decimal("1e-9"), (record, stddev)
        assert abs(Decimal(record["cv"]) / (100 * stddev / mean) - 1) < Decimal("1e-9"), record
