"""High or low volatility, with hysteresis: between the two thresholds it stays what it was."""

from __future__ import annotations


def classify(cv: float, high: float, low: float, before: str | None) -> str | None:
    """ "high" when `cv` (percent) is at or above `high`, "low" when at or below `low`, else `before`."""
    if cv >= high:
        return "high"
    if cv <= low:
        return "low"
    return before
