"""The job with its checkpoints and savepoints where every machine reaches them."""

from __future__ import annotations

import re
from typing import Any

import pytest

# tests/flink_scripts/test_stores.py finds checkpoints in either store, without a job. test_failures.py stops
# and resumes a job whose state is in files.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]


@pytest.mark.parametrize(("kind", "kill"), [("s3", True), ("hdfs", False)])
def test_the_job_resumes_from_state_in_a_store(
    kind: str, kill: bool, own_flink: Any, bundle_on: Any, feed_of: Any, request: pytest.FixtureRequest
) -> None:
    store = request.getfixturevalue(f"{kind}_server")
    state = f"{store.uri}/state"
    flink = own_flink()
    flink.environ |= {**store.environ, "FLINK_STATE": state}
    flink.start("jobmanager")
    flink.start("taskmanager")
    bundle = bundle_on(flink)
    feed = feed_of(bundle, ["AAPL", "AMZN"])
    app = bundle.app

    app.start()
    app.until_healthy()
    bundle.wait_until(bundle.averages, "windows")
    assert app.stop() == 0
    assert f"with savepoint {state}/" in app.output()

    app.start()
    app.until_healthy()
    assert re.search(rf"resuming from {state}/\S*savepoint-", app.output())
    # A checkpoint after it, in the store.
    checkpoints = f"/jobs/{app.health()['job_id']}/checkpoints"
    bundle.wait_until(lambda: flink.rest(checkpoints)["latest"]["completed"], "a checkpoint")
    if kill:
        flink.kill("jobmanager")
        flink.start("jobmanager")
        resumed = rf"resuming from {state}/\S*/chk-\d+"
        bundle.wait_until(lambda: re.search(resumed, app.output()), "the job's return")
        app.until_healthy()
    assert bundle.verify(["AAPL", "AMZN"], until=feed.close()) > 30
