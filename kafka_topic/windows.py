"""The labels of windows: "10s", "1m", "500ms".

A label is the window's length in the largest unit that needs no fraction. So each length has one label.
Lengths are read by the grammar of durations in the settings, `marathon.durations`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from functools import lru_cache

DEFAULT_WINDOWS = "10s=1s,1m=5s,10m=10s"
"""The value of GATHERER_WINDOWS when it is not set."""
_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_FORM = re.compile(r"((?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?)(ms|s|m|h|d)")


@lru_cache
def window_label(length: timedelta) -> str:
    """The label of a window's length. Raises ValueError unless it is above 0 and in whole milliseconds."""
    unit = next((unit for unit, one in _UNITS.items() if not length % one), None)
    if unit is None or length <= timedelta(0):
        raise ValueError(f"a window of {length} is not a whole number of milliseconds, at least one")
    return f"{length // _UNITS[unit]}{unit}"


@lru_cache
def window_length(text: str) -> timedelta:
    """The length that a label names. It also accepts other forms, such as "60s" and "1.5s"."""
    found = _FORM.fullmatch(text)
    if found is not None:
        milliseconds = Fraction(found[1]) * (_UNITS[found[2]] // _UNITS["ms"])
        if milliseconds > 0 and milliseconds.denominator == 1:
            with suppress(OverflowError):
                return int(milliseconds) * _UNITS["ms"]
    raise ValueError(
        f'{text!r} is not the length of a window; write one such as "500ms", "10s", "1m" or "2h"'
    )


def read_windows(text: str) -> dict[str, timedelta]:
    """The windows in the apps' variable GATHERER_WINDOWS, "10s=1s,1m=5s": slide by label, the shortest first.

    Raises ValueError unless each window is a multiple of its slide, and each slide of the shortest slide.
    """
    windows: dict[str, timedelta] = {}
    for part in text.split(","):
        label, _, slide = part.partition("=")
        for each in (label, slide):
            if each != (shorter := window_label(window_length(each))):
                raise ValueError(f"write {shorter} instead of {each}")
        if label in windows:
            raise ValueError(f"{label} occurs twice")
        windows[label] = window_length(slide)
    pane = min(windows.values())
    for label, step in windows.items():
        if window_length(label) % step or step % pane:
            raise ValueError(
                f"{label} must be a multiple of its slide, and its slide a multiple of the shortest one, "
                f"{window_label(pane)}"
            )
    return {label: windows[label] for label in sorted(windows, key=window_length)}


def shortest(windows: Iterable[str]) -> str:
    """The label of the shortest of some windows."""
    return min(windows, key=window_length)
