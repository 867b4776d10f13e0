"""Ticks that lie far from the median of their window (Hampel's identifier).

A tick is beyond the bound when |price - median| > sigmas * scale, with scale = 1.4826 times the median
absolute deviation (MAD). When more than half of the ticks are at the median, as with a quiet price in whole
cents, the MAD is 0 and says nothing about the rest; scale is then 1.2533 (the root of pi/2) times the mean
absolute deviation, the fallback of Iglewicz and Hoaglin ("How to detect and handle outliers", ASQC 1993), but
at least one price step: after a price has stood still, the mean deviation is that of the outlier itself, and
any move of a cent would be an anomaly. The step is a cent, or a smaller power of ten if the prices of the
window are multiples of it only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from gatherer.multiset import PriceMultiset
from gatherer.panes import UNIT, Pane
from gatherer.signals.base import Moment, Watcher
from gatherer.statistics.mad import SCALE as MAD_SCALE
from gatherer.window import LONG_AGO, Window
from kafka_topic.contracts import Limits, Signal

LEAST_TICKS = 10
"""With fewer ticks in the window there is no anomaly."""
_MEAN_DEVIATION_SCALE = math.sqrt(math.pi / 2)
_CENT = UNIT // 100


class Anomaly(NamedTuple):
    """The farthest tick of a pane beyond one bound; prices in units, time in epoch milliseconds.

    event: "above" or "below". ticks: how many ticks of the pane are beyond. fallback: whether the MAD was 0.
    """

    event: str
    price: int
    ms: int
    bound: float
    ticks: int
    fallback: bool


def anomalies(pane: Pane, window: Window, sigmas: float) -> list[Anomaly]:
    """At most one anomaly for each side. `pane` is the latest pane of the window."""
    prices = window.prices
    if prices is None or pane.histogram is None or window.n < LEAST_TICKS:
        return []
    median2, mad4 = prices.order_statistics()
    median = median2 / 2
    width = sigmas * (MAD_SCALE * mad4 / 4 if mad4 else _fallback(prices, median))
    above, below = median + width, median - width
    found = []
    if pane.high > above:
        ticks = sum(count for price, count in zip(*pane.histogram, strict=True) if price > above)
        found.append(Anomaly("above", pane.high, pane.high_ms, above, ticks, not mad4))
    if pane.low < below:
        ticks = sum(count for price, count in zip(*pane.histogram, strict=True) if price < below)
        found.append(Anomaly("below", pane.low, pane.low_ms, below, ticks, not mad4))
    return found


def _fallback(prices: PriceMultiset, median: float) -> float:
    items = prices.items()
    deviation = sum(count * abs(price - median) for price, count in items) / len(prices)
    divisor = math.gcd(*(price for price, _ in items))
    step = _CENT
    while divisor % step:
        step //= 10
    return max(_MEAN_DEVIATION_SCALE * deviation, step)


class AnomalyWatcher(Watcher):
    """Reports the first pane of each excursion beyond a bound. A jump leaves several panes beyond the bound,
    until the window's median has followed; they are one event. An excursion ends with a pane without ticks.

    sigmas: how many scaled median absolute deviations from the median a tick may lie.
    """

    VERSION = 3
    EACH_PANE = True
    NEEDS_PRICES = True

    def __init__(self, symbol: str, kind: str, window: str, sigmas: float) -> None:
        super().__init__(symbol, kind, window)
        self._sigmas = sigmas
        self._own_sigmas: float | None = None
        self._outside: set[str] = set()
        """The events of the last pane with ticks: the excursions that have been reported."""
        self._last_ms = LONG_AGO
        """The end of that pane."""

    def set_limits(self, limits: Limits | None, since_ms: int) -> None:
        self._own_sigmas = None if limits is None else limits.anomaly_sigmas

    def look(self, moment: Moment) -> list[Signal]:
        pane = moment.last
        if pane.end_ms != moment.end_ms:
            return []
        sigmas = self._sigmas if self._own_sigmas is None else self._own_sigmas
        window = moment.windows[self.window]
        found = anomalies(pane, window, sigmas)
        goes_on = self._last_ms == pane.end_ms - window.step_ms
        reported = self._outside if goes_on else set()
        self._outside, self._last_ms = {each.event for each in found}, pane.end_ms
        signals = []
        for each in found:
            if each.event in reported:
                continue
            ticks = "1 tick" if each.ticks == 1 else f"{each.ticks} ticks"
            scale = "mean deviations (the median one is 0)" if each.fallback else "median deviations"
            reason = (
                f"{ticks} lay {each.event} the median of {self.window} by more than {sigmas:g} scaled "
                f"{scale}; the farthest was at {each.price / UNIT:.10g}."
            )
            signals.append(
                self._signal(each.event, each.ms, pane, each.price / UNIT, each.bound / UNIT, reason)
            )
        return signals

    def dump(self) -> dict[str, Any]:
        return {"sigmas": self._own_sigmas, "outside": sorted(self._outside), "last_ms": self._last_ms}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        self._own_sigmas, self._outside = dumped["sigmas"], set(dumped["outside"])
        self._last_ms = dumped["last_ms"]


WATCHER = AnomalyWatcher
