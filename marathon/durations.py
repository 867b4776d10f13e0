"""Durations as people write them: "500ms", "10s", "1m", "2h"."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
SLACK = timedelta(seconds=10)
_FORM = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(text: object) -> timedelta:
    """The duration that `text` states. A timedelta passes through. Raises ValueError for anything else."""
    if isinstance(text, timedelta):
        return text
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'expected a duration such as "500ms", "10s", "1m" or "2h", got {text!r}')
    try:
        length = timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        raise ValueError(f"{text} is too long") from None
    if length % timedelta(milliseconds=1):
        raise ValueError(f"{text} is not a whole number of milliseconds, the resolution of event times")
    return length


def format_duration(length: timedelta) -> str:
    """The shortest form of `length`: in the largest unit that needs no fraction, else in milliseconds."""
    for unit, name in reversed(_UNITS.items()):
        count, rest = divmod(length, timedelta(**{name: 1}))
        if count and not rest:
            return f"{count}{unit}"
    return f"{length / timedelta(milliseconds=1):g}ms" if length else "0s"


def seconds(length: timedelta) -> int | float:
    """`length` in seconds: an int if it is a whole number."""
    total = length.total_seconds()
    return int(total) if total.is_integer() else total


def freshness_of(
    slide: timedelta, max_out_of_orderness: timedelta, idle_timeout: timedelta, checkpoint_interval: timedelta
) -> timedelta:
    """The maximum age of a position's newest window with this slide while data flows.

    It is the latency of the pipeline itself, plus some slack for a busy machine.
    """
    return slide + max_out_of_orderness + idle_timeout + checkpoint_interval + SLACK
