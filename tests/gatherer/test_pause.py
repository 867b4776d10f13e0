"""Partitions that fall silent for longer than they are waited for, and come back with old ticks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def test_no_window_is_missing_after_a_pause_of_all(own_flink: Any, bundle_on: Any) -> None:
    flink = own_flink(slots=2)
    flink.start("jobmanager")
    flink.start("taskmanager")
    bundle = bundle_on(flink)
    symbols = ["AAPL", "AMZN", "GOOG"]
    for symbol in symbols:
        bundle.create(f"position.{symbol}", partitions=2)
    bundle.app.start(GATHERER_IDLE_SECONDS="3", FLINK_PARALLELISM="2")
    bundle.app.until_healthy()
    for burst in range(3):
        # One after the other, each with older ticks than the one before.
        for number, symbol in enumerate(symbols):
            for second in range(60 * burst, 60 * (burst + 1)):
                moment = START + timedelta(seconds=second, milliseconds=900 - 300 * number)
                bundle.tick(symbol, moment, f"{second + 1}.00", partition=second % 2)
            bundle.flush()
            sleep(0.25)
        sleep(5)  # each partition is idle after 3
    assert bundle.verify(symbols, until=START + timedelta(seconds=175)) > 3 * 175
    assert not bundle.records("dead_letter")


def test_a_partition_that_comes_back_late_loses_no_tick(own_flink: Any, bundle_on: Any) -> None:
    """While one partition is idle, the windows go on; what it has then still counts where it can."""
    flink = own_flink(slots=2)
    flink.start("jobmanager")
    flink.start("taskmanager")
    bundle = bundle_on(flink)
    bundle.create("position.AAPL", partitions=2)
    bundle.app.start(GATHERER_IDLE_SECONDS="3", FLINK_PARALLELISM="2")
    bundle.app.until_healthy()

    (job,) = (job["jid"] for job in flink.rest("/jobs/overview")["jobs"])
    slots = {each["name"].split()[-1]: each["parallelism"] for each in flink.rest(f"/jobs/{job}")["vertices"]}
    assert slots["prices"] == 1, "there is one clock"
    assert max(slots.values()) == 2

    def send(partition: int, seconds: Iterable[int]) -> None:
        for second in seconds:
            bundle.tick("AAPL", START + timedelta(seconds=second), f"{second + 1}.00", partition)
        bundle.flush()

    def counts(window: str) -> dict[int, int]:
        found: dict[int, int] = bundle.counts(window, START)
        return found

    send(0, range(101))
    send(1, range(30))
    bundle.wait_until(lambda: 99 in counts("10s"), "windows that don't wait for the silent partition")
    send(1, (35, 36, 37, 60))
    send(0, range(101, 700))
    bundle.wait_until(lambda: 698 in counts("10s"), "the windows up to second 698")
    assert [counts("10m")[end] for end in (90, 600, 630, 640)] == [120, 634, 604, 601]
    assert not bundle.records("dead_letter")

    send(0, range(700, 1301))
    bundle.wait_until(lambda: 1299 in counts("10s"), "the windows up to second 1299")
    send(1, (650, 1299))
    (letter,) = bundle.wait_until(lambda: bundle.records("dead_letter"), "a dead letter")
    letter = json.loads(letter.value())
    assert (letter["reason"], letter["partition"], letter["offset"]) == ("late", 1, 34)
    assert b'"price": 651.00' in base64.b64decode(letter["bytes"])
