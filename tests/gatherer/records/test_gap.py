"""A silence of a position is told by the time of its ticks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from kafka_topic.contracts import Signal

pytestmark = pytest.mark.slow


def test_a_gap_is_dated_by_the_time_of_the_ticks(running: Any, start: datetime) -> None:
    running.create("position.QUIET")
    for second in (*range(20), *range(28, 48)):
        for tick in range(5):
            running.tick("QUIET", start + timedelta(seconds=second, milliseconds=200 * tick), "100.00")
    running.flush()

    def silences() -> list[Signal]:
        signals = (Signal.from_json(message.value()) for message in running.records("signals"))
        return [each for each in signals if (each.kind, each.symbol) == ("gap", "QUIET")]

    running.wait_until(lambda: running.counts("10s", start, "QUIET").get(47), "the last windows")
    (told,) = running.wait_until(silences, "the silence")
    # The last tick came at 19.8 s; the first end of a window 5 s later is at 25 s.
    assert (told.event, told.time, told.value) == ("silent", start + timedelta(seconds=25), 5.2)
