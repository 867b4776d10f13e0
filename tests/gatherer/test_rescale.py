"""TaskManagers come and go while data flows: the job takes up their slots, and every window stays exact."""

from __future__ import annotations

import time
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SYMBOLS = ["AAPL", "AMZN", "GOOG"]


def _progress(bundle: Any, records: int = 9) -> None:
    start, deadline = len(bundle.averages()), time.monotonic() + 90
    while len(bundle.averages()) < start + records:
        assert time.monotonic() < deadline, f"no progress; the app says:\n{bundle.app.output()}"
        time.sleep(0.1)


def _until_note(bundle: Any, note: str | None) -> None:
    def said() -> bool:
        health = bundle.app.health()
        return bool(health["healthy"]) and health.get("note") == note

    bundle.wait_until(said, f"healthy with the note {note}")


def test_rescale(own_flink: Any, bundle_on: Any, feed_of: Any) -> None:
    flink = own_flink(slots=1)
    flink.start("jobmanager")
    flink.start("taskmanager")
    bundle = bundle_on(flink)
    feed = feed_of(bundle, SYMBOLS)
    bundle.app.start(FLINK_PARALLELISM="3")
    _until_note(bundle, "on 1 of 3 slots")
    _progress(bundle)

    flink.start("taskmanager", "second", FLINK_SLOTS="2")
    _until_note(bundle, None)
    _progress(bundle)

    flink.kill("second")
    _until_note(bundle, "on 1 of 3 slots")
    _progress(bundle)

    assert len(flink.rest("/jobs/overview")["jobs"]) == 1, "it is the same job all the time"
    assert bundle.verify(SYMBOLS, until=feed.close()) > 60
