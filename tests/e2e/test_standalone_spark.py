"""Apps and jobs on a standalone Spark cluster of the bundle: each takes a share, so they run side by side."""

from __future__ import annotations

import pytest

from tests import memory
from tests.e2e.conftest import Pipectl

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1200)]
STANDALONE = "--set=spark.standalone.enabled=true"


def test_jobs_run_beside_the_apps(pipectl_elsewhere: Pipectl) -> None:
    memory.need(memory.BUNDLE_MB + memory.STANDALONE_MB, "a bundle with Spark")
    user = pipectl_elsewhere
    # It ends with a job on the census, while the app `stream-to-disk` runs.
    user.run("deploy", "--yes", "--with", "spark", STANDALONE)
    status = user.json("status", code=None)
    states = {component["name"]: component["state"] for component in status["components"]}
    assert (states["spark-master"], states["spark-worker"], states["stream-to-disk"]) == ("healthy",) * 3
    assert {flow["state"] for flow in status["flows"] if flow["name"] == "spark/disk/census-data"} == {"past"}
    assert user.json("scale", "spark-worker=2")["scaled"] == {"spark-worker": {"from": 1, "to": 2}}
    user.run("run", "produce-prices")
    report = user.run("run", "prices-report", STANDALONE, "--set=spark.report.output=json").stdout
    assert '"messages": 5000' in report
