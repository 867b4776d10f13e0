"""One running job for tests that bring positions of their own, each with symbols that no other test has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.folders import shared_in
from tests.gatherer.bundle import Bundle
from tests.gatherer.flink import Flink

GAP = {"gap": {"window": "10s", "after_seconds": 5}}
RUNNING = pytest.StashKey[Bundle]()


@pytest.fixture
def running(request: pytest.FixtureRequest, flink: Flink, kafka: Any) -> Bundle:
    """The bundle of that job. However long a test waits for something, the clock is that of the ticks."""

    @contextmanager
    def started() -> Iterator[Bundle]:
        bundle = Bundle(flink, kafka.bootstrap_servers, "records")
        bundle.app.start(GATHERER_IDLE_TIMEOUT_SECONDS="600", SIGNALS=json.dumps(GAP))
        try:
            bundle.app.until_healthy()
            yield bundle
            assert bundle.app.stop() == 0, bundle.app.output()
        finally:
            bundle.app.kill()

    return shared_in(Path(__file__).parent, request, RUNNING, started)


@pytest.fixture
def start() -> datetime:
    """The event time at which the ticks of a test begin."""
    return datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
