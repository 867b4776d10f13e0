"""Lengths of time as people write them: "500ms", "10s", "1m", "2h"."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
SLACK = timedelta(seconds=10)
_FORM = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(text: object) -> timedelta:
    """The length of time that `text` names; ValueError when it names none. A timedelta passes through."""
    if isinstance(text, timedelta):
        return text
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'expected a length of time such as "500ms", "10s", "1m" or "2h", got {text!r}')
    try:
        length = timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        raise ValueError(f"{text} is longer than can be counted") from None
    if length % timedelta(milliseconds=1):
        raise ValueError(f"{text} is finer than a millisecond, which is as fine as event times are")
    return length


def format_duration(length: timedelta) -> str:
    """The shortest way to write `length`: the largest unit that needs no fraction, else milliseconds."""
    for unit, name in reversed(_UNITS.items()):
        count, rest = divmod(length, timedelta(**{name: 1}))
        if count and not rest:
            return f"{count}{unit}"
    return f"{length / timedelta(milliseconds=1):g}ms" if length else "0s"


def seconds(length: timedelta) -> int | float:
    """`length` in seconds, whole where it is whole."""
    total = length.total_seconds()
    return int(total) if total.is_integer() else total


def freshness_of(
    slide: timedelta, watermark_bound: timedelta, idle_timeout: timedelta, checkpoint_interval: timedelta
) -> timedelta:
    """How old the end of a position's newest window of this slide may be while data flows.

    That is what the pipeline itself takes, and some slack for a busy machine.
    """
    return slide + watermark_bound + idle_timeout + checkpoint_interval + SLACK
