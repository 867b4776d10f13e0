"""Agents are killed under load: the bundle goes on, and every window is exact."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from local_dcos.home import Home
from tests.e2e.chaos import Report, settle
from tests.e2e.cluster import Cluster
from tests.e2e.freshness import Reader
from tests.e2e.ledger import Ledger
from tests.e2e.stored import Sink, standing_sinks
from tests.gatherer.flink import wait_until

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


def test_a_store_and_its_sink_are_exact_when_their_agents_die(pipectl_elsewhere: Any) -> None:
    user = pipectl_elsewhere
    settings = ("local.agents=3", "positions=[AAPL, MSFT]", "timeouts.app=10m")
    user.run("deploy", "--yes", "--with", "mysql", *(f"--set={each}" for each in settings), timeout=900)
    cluster = Cluster(Home(user.home / "cluster"))
    with Ledger(cluster) as ledger, Reader(cluster) as reader, standing_sinks(cluster) as sinks:
        [sink] = sinks
        assert (sink.app, sink.store) == ("sink-to-mysql", "mysql")
        for app in (sink.app, sink.store):
            _until_fresh(reader, 0.0, sinks)
            ledger.read()
            [node] = _nodes_of(user, app)
            # For longer than its tasks wait for it: they move.
            user.run("chaos", "kill-node", node, "--away", "100s", "--yes")
            wait_until(lambda: _nodes_of(user, app) - {node}, f"{app} on another agent", PATIENCE)  # noqa: B023
            _until_fresh(reader, time.time(), sinks)
            wait_until(partial(_all_are_up, user), f"{node} to be back", PATIENCE)
        report = settle(cluster, ledger, Report(), PATIENCE, sinks)
    assert report.exact, "\n".join(report.lines())
    windows = report.stored["movingaverage in mysql"]
    assert windows.records > 20, str(windows)


def _nodes_of(user: Any, app: str) -> set[str]:
    """The agents with a task of an app, also those that are down."""
    nodes = user.json("nodes")["nodes"]
    return {node["node"] for node in nodes if any(each.rpartition("/")[2] == app for each in node["apps"])}


def _all_are_up(user: Any) -> bool:
    return all(node["state"] != "down" for node in user.json("nodes")["nodes"])


def _until_fresh(reader: Reader, after: float, sinks: Sequence[Sink] = ()) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (reader.all_fresh(after, FRESH_SECONDS) and all(each.fresh(after) for each in sinks)):
        assert time.monotonic() < deadline, f"not all positions are fresh within {PATIENCE:.0f} s"
        time.sleep(0.1)
