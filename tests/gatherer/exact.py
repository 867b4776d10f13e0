"""What the windows of some ticks hold, by exact arithmetic over the raw records."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest

TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"


@dataclass(frozen=True)
class Tick:
    """A usable raw record. `price` is in units of 1e-8."""

    time: datetime
    place: tuple[int, int]
    price: int


# The defaults: label, length and slide in seconds.
WINDOWS = (("10s", 10, 1), ("1m", 60, 5), ("10m", 600, 10))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def key_of(record: dict[str, Any]) -> tuple[str, str, datetime]:
    end = datetime.strptime(record["window_end"], TIME_FORMAT).replace(tzinfo=UTC)
    return record["symbol"], record["window"], end


def windows(ticks: list[Tick], size: int, slide: int) -> dict[datetime, list[Tick]]:
    """Each window of `size` seconds that slides by `slide` seconds and has ticks, by its end."""
    found: dict[datetime, list[Tick]] = defaultdict(list)
    for tick in ticks:
        first = (tick.time - _EPOCH) // timedelta(seconds=slide) + 1
        for number in range(size // slide):
            found[_EPOCH + timedelta(seconds=(first + number) * slide)].append(tick)
    return found


def realized(ticks: list[Tick], end: datetime, size: int) -> float | None:
    """The realized volatility from the last prices of the seconds that have ticks."""
    last: dict[int, Tick] = {}
    for tick in ticks:
        if tick.time < end:
            second = (tick.time - _EPOCH) // timedelta(seconds=1)
            last[second] = max(tick, last.get(second, tick), key=lambda each: (each.time, each.place))
    seconds = sorted(last)
    first = (end - _EPOCH) // timedelta(seconds=1) - size
    squares = [
        math.log(last[now].price / last[before].price) ** 2
        for before, now in itertools.pairwise(seconds)
        if now >= first
    ]
    return math.sqrt(math.fsum(squares)) if squares else None


def compare(record: dict[str, Any], ticks: list[Tick], volatility: float | None) -> None:
    """Check one record against exact arithmetic over the decimal prices."""
    n, unit = len(ticks), 10**8
    _, label, end = key_of(record)
    (size,) = (size for known, size, _ in WINDOWS if known == label)
    prices = [tick.price for tick in ticks]
    latest = max(ticks, key=lambda tick: (tick.time, tick.place))
    total = sum(prices)
    assert record["window_start"] == (end - timedelta(seconds=size)).strftime(TIME_FORMAT)[:-3], record
    assert record["count"] == n, (record, n)
    assert record["min"] == float(Decimal(min(prices)) / unit), record
    assert record["max"] == float(Decimal(max(prices)) / unit), record
    assert record["last"] == float(Decimal(latest.price) / unit), (record, latest)
    median = statistics.median(map(Fraction, prices))
    mad = statistics.median(abs(price - median) for price in prices)
    assert record["median"] == float(median / unit), record
    assert record["mad"] == pytest.approx(1.4826 * float(mad / unit), rel=1e-12, abs=0), record
    wanted = None if volatility is None else pytest.approx(volatility, rel=1e-9, abs=1e-15)
    assert record["realized_vol"] == wanted, record
    with localcontext(prec=60):
        mean = Decimal(total) / n / unit
        assert abs(Decimal(record["mean"]) / mean - 1) < Decimal("1e-9"), (record, mean)
        if n == 1:
            assert record["stddev"] is None and record["cv"] is None, record
            assert record["bollinger_upper"] is None and record["bollinger_lower"] is None, record
            return
        squares = n * sum(price * price for price in prices) - total * total
        stddev = (Decimal(squares) / (n * (n - 1))).sqrt() / unit
        for name, sign in (("bollinger_upper", 1), ("bollinger_lower", -1)):
            assert abs(Decimal(record[name]) - (mean + sign * 2 * stddev)) < mean * Decimal("1e-12"), record
        if stddev == 0:
            assert record["stddev"] == 0 and record["cv"] == 0, record
            return
        assert abs(Decimal(record["stddev"]) / stddev - 1) < Decimal("1e-9"), (record, stddev)
        assert abs(Decimal(record["cv"]) / (100 * stddev / mean) - 1) < Decimal("1e-9"), record
