"""High or low volatility, with hysteresis: between the two thresholds it stays what it was."""

from __future__ import annotations


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
    """High and low (percent), `high` and `low` being a position's own, None for the bundle's.

    A position's one threshold was set beside the bundle's other, which a later deploy may have moved to its
    wrong side. The position's stands then, and the other is as far from it as the bundle's two are apart.
    """
    apart = bundle_high - bundle_low
    if high is not None and low is None:
        return high, bundle_low if bundle_low < high else max(0.0, high - apart)
    if low is not None and high is None:
        return (bundle_high if bundle_high > low else low + apart), low
    return (bundle_high, bundle_low) if high is None or low is None else (high, low)
