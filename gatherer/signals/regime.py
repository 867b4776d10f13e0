"""High or low volatility, with hysteresis: between the two thresholds the regime does not change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatherer.signals.base import Moment, Watcher
from kafka_topic.contracts import Limits, Signal


def classify(cv: float, high: float, low: float, before: str | None) -> str | None:
    """ "high" when `cv` (percent) is at or above `high`, "low" when at or below `low`, else `before`."""
    if cv >= high:
        return "high"
    if cv <= low:
        return "low"
    return before


def thresholds(
    bundle_high: float, bundle_low: float, high: float | None, low: float | None
) -> tuple[float, float]:
    """The high and the low threshold (percent). high, low: the position's own, None for the bundle's.

    A later deploy may have moved the bundle's threshold to the wrong side of a position's only one. Then the
    position's stays, and the other keeps the distance of the bundle's two.
    """
    apart = bundle_high - bundle_low
    if high is not None and low is None:
        return high, bundle_low if bundle_low < high else max(0.0, high - apart)
    if low is not None and high is None:
        return (bundle_high if bundle_high > low else low + apart), low
    return (bundle_high, bundle_low) if high is None or low is None else (high, low)


class RegimeWatcher(Watcher):
    """high, low: coefficients of variation in percent, high above low."""

    def __init__(self, symbol: str, kind: str, window: str, high: float, low: float) -> None:
        super().__init__(symbol, kind, window)
        self._high, self._low = high, low
        self._own_high: float | None = None
        self._own_low: float | None = None
        self._regime: str | None = None

    def set_limits(self, limits: Limits | None, since_ms: int) -> None:
        self._own_high = None if limits is None else limits.regime_high
        self._own_low = None if limits is None else limits.regime_low

    def look(self, moment: Moment) -> list[Signal]:
        cv = moment.coefficients.get(self.window)
        if cv is None:
            return []
        high, low = thresholds(self._high, self._low, self._own_high, self._own_low)
        regime = classify(cv, high, low, self._regime)
        if regime is None or regime == self._regime:
            return []
        self._regime = regime
        threshold, words = (high, "at or above") if regime == "high" else (low, "at or below")
        reason = f"The coefficient of variation of {self.window} is {cv:.4g} %, {words} {threshold:g} %."
        return [self._signal(regime, moment.end_ms, moment.last, cv, threshold, reason)]

    def dump(self) -> dict[str, Any]:
        return {"regime": self._regime, "high": self._own_high, "low": self._own_low}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        self._regime, self._own_high, self._own_low = dumped["regime"], dumped["high"], dumped["low"]


WATCHER = RegimeWatcher
