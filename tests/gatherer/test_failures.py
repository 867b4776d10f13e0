"""Whatever is killed or restarted: every window of a live feed comes out once and exact."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from tests.gatherer.bundle import Bundle

pytestmark = pytest.mark.slow

SYMBOLS = ["AAPL", "AMZN", "GOOG"]
CUT_SECONDS = 12.0


def _let_pass(seconds: float) -> None:
    """For what is itself a span of time: an outage, or the time between two arrivals."""
    threading.Event().wait(seconds)


def test_windows_are_exact_when_each_part_is_killed(bundle: Any, feed: Any, flink: Any) -> None:
    app = bundle.app
    app.start()
    # The submitting process goes on without its parent; there is one job all the same.
    bundle.wait_until(lambda: "starting from the earliest" in app.output(), "a submission")
    app.kill()
    app.start()
    app.until_healthy()
    assert len([job for job in flink.rest("/jobs/overview")["jobs"] if job["name"] == app.name]) == 1
    bundle.until_progress()

    flink.kill("taskmanager")
    flink.start("taskmanager")
    bundle.until_progress()
    app.until_healthy()

    adopted = app.output().count("runs already")
    app.kill()
    app.start()
    app.until_healthy()
    assert app.output().count("runs already") == adopted + 1
    bundle.until_progress()

    flink.kill("jobmanager")
    flink.start("jobmanager")
    bundle.wait_until(lambda: re.search(r"resuming from .*/chk-\d+", app.output()), "the job's return")
    assert "gone from the JobManager" in app.output()
    app.until_healthy()
    bundle.until_progress()
    assert app.process.poll() is None, "the process that watched has brought the job back"

    assert bundle.verify(SYMBOLS, until=feed.close()) > 60


def test_windows_are_exact_when_the_network_is_slow_and_cut_and_the_broker_away(
    flink: Any, kafka: Any, feed_of: Any, slow_broker: Any
) -> None:
    """Cut for longer than the consumers wait for an answer.

    The broker is away for longer than the idle timeout. Then the topics' backlogs come one after the other.
    """
    bundle = Bundle(flink, kafka.bootstrap_servers, "cut", kafka.by_proxy)
    feed = feed_of(bundle, SYMBOLS)
    app = bundle.app
    app.start(GATHERER_IDLE_TIMEOUT_SECONDS="4")
    app.until_healthy()
    bundle.until_progress()
    slow_broker.delay_seconds = 1.0
    bundle.until_progress()
    slow_broker.cut = True
    _let_pass(CUT_SECONDS)
    slow_broker.cut, slow_broker.delay_seconds = False, 0.0
    bundle.until_progress()
    app.until_healthy()

    kafka.stop()
    feed.hold({"AMZN", "GOOG"})
    _let_pass(6)
    kafka.start()
    bundle.flush()
    _let_pass(2)
    for late in ("AMZN", "GOOG"):
        feed.release(late)
    bundle.until_progress()
    app.until_healthy()
    assert bundle.verify(SYMBOLS, until=feed.close()) > 60


def test_windows_are_exact_when_the_job_stops_and_resumes(bundle: Any, feed: Any) -> None:
    app = bundle.app
    app.start()
    app.until_healthy()
    bundle.until_progress()
    assert app.stop() == 0
    assert "with savepoint" in app.output()
    app.start()
    app.until_healthy()
    assert re.search(r"resuming from .*/savepoint-", app.output())

    # Another definition with the same state replaces the running job, from a savepoint.
    app.kill()
    app.start(GATHERER_IDLE_TIMEOUT_SECONDS="6")
    app.until_healthy()
    assert "with another definition" in app.output()
    assert len(re.findall(r"resuming from .*/savepoint-", app.output())) == 2

    # One position falls silent, a new one appears.
    feed.remove("GOOG")
    feed.add("TSLA")
    bundle.until_progress(12)
    assert bundle.verify([*SYMBOLS, "TSLA"], until=feed.close()) > 60
