"""The settings of the signals. A `window` is the label of one of the analysis's windows."""

from __future__ import annotations

from typing import NamedTuple


class RegimeSettings(NamedTuple):
    """high, low: coefficients of variation in percent, high above low."""

    window: str
    high: float
    low: float


class AnomalySettings(NamedTuple):
    """sigmas: how many scaled median absolute deviations from the median a tick may lie."""

    window: str
    sigmas: float


class LimitSettings(NamedTuple):
    """window: what volatility is estimated from. probability: from which on a limit is likely to be reached
    within horizon_seconds.
    """

    window: str
    horizon_seconds: float
    probability: float
