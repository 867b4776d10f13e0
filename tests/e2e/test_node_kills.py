"""Agents are killed under load: the bundle goes on, and every window is exact."""

from __future__ import annotations

import time
from typing import Any

import pytest

from local_dcos.home import Home
from tests.e2e.chaos import Report, settle
from tests.e2e.cluster import Cluster
from tests.e2e.freshness import Reader
from tests.e2e.ledger import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1200)]

PATIENCE = 240.0
# Slower than on an idle machine.
FRESH_SECONDS = 15.0


def test_windows_stay_exact_when_agents_die_with_all_their_tasks(pipectl_elsewhere: Any) -> None:
    user = pipectl_elsewhere
    user.run("deploy", "--yes", "--set", "local.agents=3", "--set", "timeouts.app=10m", timeout=600)
    places = {app: node["node"] for node in user.json("nodes")["nodes"] for app in node["apps"]}
    assert len(set(places.values())) == 3, places
    chosen = dict.fromkeys(places[f"/volatility/{app}"] for app in ("flink-taskmanager", "data-generator"))
    cluster = Cluster(Home(user.home / "cluster"))
    with Ledger(cluster) as ledger, Reader(cluster) as reader:
        _until_fresh(reader, 0.0)
        ledger.read()
        for node in chosen:
            killed = user.json("chaos", "kill-node", node, "--away", "45s", "--yes")["killed"]
            assert killed
        down = [node["node"] for node in user.json("nodes")["nodes"] if node["state"] == "down"]
        assert set(down) <= set(chosen)
        _until_fresh(reader, time.time())
        report = settle(cluster, ledger, Report(), PATIENCE)
    assert report.exact, "\n".join(report.lines())
    assert report.recount is not None and len(report.recount.due) > 100


def _until_fresh(reader: Reader, after: float) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reader.all_fresh(after, FRESH_SECONDS):
        assert time.monotonic() < deadline, f"not all positions are fresh within {PATIENCE:.0f} s"
        time.sleep(0.1)
