"""Ticks that come late: nothing is lost, nothing counts twice."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_late_ticks_count_where_they_still_can(running: Any, start: datetime) -> None:
    """One partition, so that order decides: ticks 5 s and 20 s late, and one too late for every window."""
    running.create("position.LATE")

    def counts(window: str) -> dict[int, int]:
        found: dict[int, int] = running.counts(window, start, "LATE")
        return found

    def send(seconds: Iterable[float], price: str = "10.00") -> None:
        for second in seconds:
            running.tick("LATE", start + timedelta(seconds=second), price)
        running.flush()

    send([second + 0.5 for second in range(42)])
    running.wait_until(lambda: counts("10s").get(41), "the windows up to second 41")
    # 5 s late: still in the windows that end from 42 on. 20 s late: in no window of 10 s, but in the others.
    send([36.7, 21.7])
    send([second + 0.5 for second in range(42, 700)])
    running.wait_until(lambda: counts("10s").get(699), "the windows up to second 699")
    before = counts("10s"), counts("1m"), counts("10m")
    assert [before[0][end] for end in (41, 42, 46, 47, 48)] == [10, 11, 11, 10, 10]
    assert [before[1][end] for end in (40, 45, 80, 85, 95, 100)] == [40, 47, 62, 61, 61, 60]
    assert [before[2][end] for end in (40, 50, 600, 620, 630, 640)] == [40, 52, 602, 602, 601, 600]
    assert not running.letters(["LATE"])

    send([30.0], price="77.00")
    (letter,) = running.wait_until(lambda: running.letters(["LATE"]), "a dead letter")
    assert (letter["reason"], letter["offset"]) == ("late", 702)
    assert b'"price": 77.00' in base64.b64decode(letter["bytes"])
    assert (counts("10s"), counts("1m"), counts("10m")) == before
