"""Durations as people write them: "500ms", "10s", "1m", "2h".

`kafka_topic.windows` reads the same grammar.
"""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
SLACK = timedelta(seconds=10)
_FORM = re.compile(r"((?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?)(ms|s|m|h|d)")
_MILLISECOND = timedelta(milliseconds=1)


def parse_duration(text: object) -> timedelta:
    """The duration that `text` states. A timedelta passes through. Raises ValueError for anything else."""
    if isinstance(text, timedelta):
        return text
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'expected a duration such as "500ms", "10s", "1m" or "2h", got {text!r}')
    milliseconds = Fraction(found[1]) * (timedelta(**{_UNITS[found[2]]: 1}) // _MILLISECOND)
    if milliseconds.denominator != 1:
        raise ValueError(f"{text} is not a whole number of milliseconds, the resolution of event times")
    try:
        return int(milliseconds) * _MILLISECOND
    except OverflowError:
        raise ValueError(f"{text} is too long") from None


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
