"""The local cluster of a deployed bundle, from outside: its processes, Flink's REST and Marathon's API."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from contextlib import suppress
from typing import Any

import httpx
import psutil

from flink_scripts.tls import rest_context
from local_dcos import PACKAGES
from local_dcos.daemon import start
from local_dcos.home import Home
from tests.gatherer.model import Rules
from tests.hdfs_nodes import NODES, processes_of

APPS = {
    "jobmanager": ("flink-jobmanager",),
    "taskmanager": ("flink-taskmanager",),
    "taskmanager+broker": ("flink-taskmanager", "kafka"),
    "broker": ("kafka",),
    "generator": ("data-generator",),
    "submitter": ("gatherer",),
}
"""The apps of each component that is not the agent, a Python worker, a node of HDFS, or named as its app."""


class Cluster:
    """The cluster in a home where a bundle is deployed.

    area: the area of the bundle; apps of other areas are left out. None: all apps.
    """

    def __init__(self, home: Home, area: str | None = None) -> None:
        self.home, self._area = home, area
        env = self.app("gatherer")["definition"]["env"]
        self.rules = Rules.of(env)
        self.prefix = str(env["TOPIC_PREFIX"])
        self.bootstrap_servers = str(env["KAFKA_BOOTSTRAP_SERVERS"])
        self._rest = str(env["FLINK_JOBMANAGER_REST"])
        self._flink_token = (home.secrets / "flink-token").read_text().strip()
        self._tls = rest_context(self._flink_token)
        generator = self.app("data-generator")["definition"]["env"]
        self.positions = set(str(generator["POSITIONS"]).split(","))

    @property
    def topic(self) -> str:
        """Where the job writes its windows."""
        return f"{self.prefix}movingaverage"

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.home.state_file.read_text(encoding="utf-8"))
        return state

    def _name(self, app_id: str) -> str | None:
        """The last part of an app's id; None if it belongs to another area."""
        *groups, name = app_id.strip("/").split("/")
        return name if self._area is None or groups[:1] in ([], [self._area]) else None

    def app(self, name: str) -> dict[str, Any]:
        """The app whose id ends in `name`."""
        apps: list[dict[str, Any]] = self._state()["apps"]
        return next(app for app in apps if self._name(app["definition"]["id"]) == name)

    def names(self) -> list[str]:
        """The last parts of the ids of all apps."""
        return sorted(filter(None, (self._name(app["definition"]["id"]) for app in self._state()["apps"])))

    def environ(self, name: str) -> dict[str, str]:
        """The variables of an app, and what its secrets hold."""
        definition = self.app(name)["definition"]
        return {
            variable: value
            if isinstance(value, str)
            else (self.home.secrets / definition["secrets"][value["secret"]]["source"]).read_text().strip()
            for variable, value in definition["env"].items()
        }

    def task(self, name: str) -> dict[str, Any] | None:
        """The one task of an app, None when none runs."""
        return next((task for task in self._state()["tasks"] if self._name(task["app_id"]) == name), None)

    def pid(self, name: str) -> int:
        """The main process of the one task of an app, 0 when none runs."""
        task = self.task(name)
        return int(task["pid"]) if task else 0

    def victims(self, component: str) -> list[int]:
        """The processes that stand for a component; 0 for one that doesn't run."""
        if component == "agent":
            return [int(self.home.cluster()["pid"])]
        if component == "worker":
            children = psutil.Process(self.pid("flink-taskmanager")).children(recursive=True)
            return [child.pid for child in children if "gatherer.worker" in " ".join(child.cmdline())]
        if component in NODES:
            return [each.pid for each in processes_of(self.pid("hdfs"), component)]
        found = []
        for name in APPS.get(component, (component,)):
            pid = self.pid(name)
            # A broker or a store is a child of its service's scheduler, or several.
            found += [each.pid for each in psutil.Process(pid).children()] if name in PACKAGES else [pid]
        return found

    def kill(self, *components: str) -> list[str]:
        """SIGKILL components at once, and start the agent again if it is one; those that did run."""
        killed, pids = [], []
        for component in components:
            with suppress(IndexError, KeyError, psutil.Error):
                found = self.victims(component)
                if found and 0 not in found:
                    killed.append(component)
                    pids += found
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if "agent" in killed:
            start(self.home)
        return killed

    def marathon(self, method: str, path: str, body: Any = None) -> Any:
        """What the cluster's Marathon answers."""
        request = urllib.request.Request(
            f"{self.home.cluster()['url']}/service/marathon/v2/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"token={self.home.token()}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def scale(self, name: str, instances: int) -> None:
        """Ask for a number of instances of an app; the state shows when they are there."""
        self.marathon(
            "PUT", f"apps/{self.app(name)['definition']['id']}?force=true", {"instances": instances}
        )

    def set_variable(self, name: str, variable: str, value: str) -> None:
        """Change a variable of an app, which starts again."""
        definition = self.app(name)["definition"]
        env = {**definition["env"], variable: value}
        self.marathon("PUT", f"apps/{definition['id']}?force=true", {"env": env})

    def ask(self, path: str) -> Any:
        """What Flink's REST answers, None when it doesn't, or with an error."""
        headers = {"Authorization": f"Bearer {self._flink_token}"}
        try:
            answer = httpx.get(
                f"https://{self._rest}{path}", headers=headers, verify=self._tls, timeout=2, trust_env=False
            )
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None
