"""What was late for a job is late for the job that takes over from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
# However long a test waits for something, the clock is that of the ticks.
NEVER_SILENT = {"GATHERER_IDLE_TIMEOUT_SECONDS": "600"}


def _ticks(bundle: Any, symbol: str, seconds: Iterator[float] | list[float], price: str = "10.00") -> None:
    for second in seconds:
        bundle.tick(symbol, START + timedelta(seconds=second), price)
    bundle.flush()


def test_late_records_are_still_late_after_a_restart(bundle: Any) -> None:
    bundle.create("position.AAPL")
    bundle.app.start(**NEVER_SILENT)
    bundle.app.until_healthy()
    _ticks(bundle, "AAPL", [float(second) for second in range(700)])
    bundle.wait_until(lambda: 698 in bundle.counts("10s", START, "AAPL"), "the windows up to second 698")
    assert bundle.app.stop() == 0
    # The first that the new job reads. Only its state can tell it that their windows have been written.
    _ticks(bundle, "AAPL", [30.0, 650.5])
    bundle.app.start()
    bundle.app.until_healthy()
    assert "resuming from" in bundle.app.output()
    _ticks(bundle, "AAPL", [float(second) for second in range(700, 761)])
    bundle.wait_until(lambda: 759 in bundle.counts("10s", START, "AAPL"), "the windows up to second 759")
    (letter,) = (json.loads(message.value()) for message in bundle.records("dead_letter"))
    assert (letter["reason"], letter["offset"]) == ("late", 700)
    counts = {window: bundle.counts(window, START, "AAPL") for window in ("10s", "1m", "10m")}
    assert {counts["10s"][end] for end in range(10, 760)} == {10}
    assert [counts["1m"][end] for end in (695, 700, 705, 710, 715)] == [60, 61, 61, 61, 60]
    assert [counts["10m"][end] for end in (690, 700, 750)] == [600, 601, 601]
