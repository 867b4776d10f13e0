"""Whether data flows on a position."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kafka_topic.trouble import Trouble

MAX_AHEAD = timedelta(minutes=5)
"""A window that ends later than this was written before a clock was set back."""

FlowState = Literal["fresh", "stale", "silent", "unreadable"]


def flow_state(
    last_window_end: datetime | None, problem: Trouble | None, *, now: datetime, max_age: timedelta
) -> FlowState:
    """The state of a position.

    `unreadable`: the gatherer cannot read one of its partitions. `silent`: it has no window. `stale`: its
    last window ended more than `max_age` before `now`, or ends more than MAX_AHEAD after it. Otherwise it is
    `fresh`.
    """
    if problem is not None and problem.stops:
        return "unreadable"
    if last_window_end is None:
        return "silent"
    return "fresh" if -MAX_AHEAD <= now - last_window_end <= max_age else "stale"
