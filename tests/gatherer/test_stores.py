"""The job with its checkpoints and savepoints in an object store."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.s3 import S3

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_state_on_s3(own_flink: Any, bundle_on: Any, feed_of: Any, s3_server: S3) -> None:
    flink = own_flink()
    flink.environ |= {**s3_server.environ, "FLINK_STATE": "s3://bucket/state"}
    flink.start("jobmanager")
    flink.start("taskmanager")
    bundle = bundle_on(flink)
    feed = feed_of(bundle, ["AAPL", "AMZN"])
    app = bundle.app

    app.start()
    app.until_healthy()
    bundle.wait_until(bundle.averages, "windows")
    assert app.stop() == 0
    assert "with savepoint s3://bucket/state/" in app.output()

    app.start()
    app.until_healthy()
    assert re.search(r"resuming from s3://bucket/state/\S*savepoint-", app.output())
    # A checkpoint after it, found in the store by the submitter, and read by the JobManager.
    bundle.wait_until(
        lambda: re.search(rb"/chk-\d+/_metadata<", s3_server.ask("GET", "bucket?list-type=2")), "a checkpoint"
    )
    flink.kill("jobmanager")
    flink.start("jobmanager")
    assert app.process.wait(60) == 1
    app.start()
    app.until_healthy()
    assert re.search(r"resuming from s3://bucket/state/\S*/chk-\d+", app.output())
    assert bundle.verify(["AAPL", "AMZN"], until=feed.close()) > 30
