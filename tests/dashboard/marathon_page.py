"""The page as an app of a real local cluster, which starts it again when it ends."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.dashboard.conftest import POSITIONS, Feeder, wait_for
from tests.local_dcos.conftest import QUICK_CHECK, Cluster

APP = "/page"


class MarathonPage:
    """The page that reads what a feeder writes. secret, port: of its present task."""

    def __init__(self, cluster: Cluster, feeder: Feeder) -> None:
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": feeder.servers,
            "TOPIC_PREFIX": feeder.prefix,
            "POSITIONS": ",".join(POSITIONS),
            "JOB_NAME": f"{feeder.prefix}gatherer",
        }
        self._cluster, self._feeder = cluster, feeder
        self._prices = itertools.count(1000)
        cluster.marathon("POST", "apps", _definition(environ))
        self._find(unlike="")

    def kill(self) -> None:
        """SIGKILL. Marathon starts it again."""
        os.kill(self._task["pid"], signal.SIGKILL)
        self._find(unlike=self._task["id"])

    def shows_a_new_price(self) -> bool:
        """Write a price, and wait until the page shows it to who comes through the front door."""
        price = float(next(self._prices))
        self._feeder.price(POSITIONS[0], price)
        self._feeder.flush()

        def shown() -> bool:
            status, answer = self._cluster.call("GET", "/service/page/api/positions")
            return status == 200 and answer["positions"][0]["price"] == price

        return bool(wait_for(shown))

    def healthy(self) -> bool:
        """Whether its health check says so."""
        status, answer = self._cluster.call("GET", "/service/page/health")
        return status == 200 and answer["healthy"]

    def log(self) -> str:
        """What all its tasks have said."""
        files = sorted((self._cluster.home / "sandboxes").rglob("std*"))
        return "".join(each.read_text(errors="replace") for each in files if each.is_file())

    def _find(self, unlike: str) -> None:
        """The task that runs, which must be another one."""

        def running() -> dict[str, Any] | None:
            state = json.loads((self._cluster.home / "state.json").read_text())
            tasks = [each for each in state["tasks"] if each["app_id"] == APP and each["pid"]]
            return next((each for each in tasks if each["id"] != unlike), None)

        self._task = wait_for(running)
        self.port, self.secret = self._task["ports"][0], self._task["secret"]
        wait_for(lambda: self._cluster.call("GET", "/service/page/health")[0] == 200)


def _definition(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": APP,
        "args": [sys.executable, "-m", "dashboard"],
        "env": dict(environ),
        "mem": 384,
        "cpus": 0.5,
        "labels": {"DCOS_SERVICE_NAME": "page", "DCOS_SERVICE_PORT_INDEX": "0"},
        "healthChecks": [{**QUICK_CHECK, "gracePeriodSeconds": 240, "protocol": "HTTP", "path": "/health"}],
    }


@contextmanager
def marathon_page(feeder: Feeder, folder: Path) -> Iterator[MarathonPage]:
    """The page in a cluster of its own, which is gone at the end of the block."""
    cluster = Cluster(folder / "cluster")
    try:
        yield MarathonPage(cluster, feeder)
    finally:
        cluster.local_dcos("purge")
