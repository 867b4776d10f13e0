"""The state of several clusters at once.

A process of `pipectl` works with one cluster, so each cluster gets processes of its own, side by side. A
cluster that does not answer delays no other one.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from cli import options
from cli.home import base_home, further_clusters
from marathon import cluster_names
from marathon.home import is_local

# A cluster that does not answer within this time counts as unreachable.
SECONDS = 90.0
# `pipectl` says so of a cluster file whose cluster is not set up on this machine.
_NOT_SET_UP = ("no such cluster", "cannot run `")
_NOT_RUNNING = ("is not running", "there is no cluster")
_NO_AREA = "unknown area"

Json = dict[str, Any]


@dataclass(frozen=True)
class Pane:
    """One cluster.

    state: `healthy`, `unhealthy`, `not deployed` (it runs without the bundle), `not running` (a local one),
    `not set up` (`dcos` does not know it), `no settings` (no file in marathon/clusters), `no area` (its
    settings have none so called), or `unknown`, for the reason in `problem`.
    about: what `pipectl cluster show` prints, and status: what `pipectl status` prints, as JSON.
    """

    name: str
    state: str
    problem: str = ""
    about: Json = field(default_factory=dict)
    status: Json = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether the cluster belongs to the health of all: it runs, or it should answer and does not."""
        return self.state in ("healthy", "unhealthy", "unknown")

    @property
    def links(self) -> list[str]:
        """The names of the clusters that it links to."""
        return list(self.about.get("links", []))

    @property
    def freshest_age(self) -> float | None:
        """The age of its freshest record in seconds, if it has any."""
        ages = [one["age_seconds"] for one in self.status.get("positions", [])]
        return min((age for age in ages if age is not None), default=None)

    def healthy(self, kind: str) -> str:
        """How many `components` are healthy, or `positions` fresh: `7/7`."""
        found = [one["state"] for one in self.status.get(kind, [])]
        return f"{sum(state in ('healthy', 'fresh') for state in found)}/{len(found)}" if found else "-"


def names_of_clusters() -> list[str]:
    """The names that --cluster takes: all cluster files, and the further local clusters that exist."""
    return sorted({*cluster_names(), *further_clusters()})


def survey(names: Sequence[str], *, area: str | None = None, dcos: Sequence[str] = ()) -> list[Pane]:
    """The panes of these clusters, and of clusters that `dcos` knows but that have no file.

    area: where each cluster's bundle is. dcos: options for every command, such as `--dcos PATH`.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        panes = list(pool.map(lambda name: _pane(name, area, dcos), names))
    mine = {one.about.get("cluster_id") for one in panes}
    on_dcos = [pane for pane in panes if not is_local(pane.name)]
    known = {one["cluster_id"]: one for pane in on_dcos for one in pane.about.get("known", [])}
    others = [
        Pane(one["name"], "no settings", "no file in marathon/clusters", about={**one, "links": []})
        for cluster_id, one in known.items()
        if cluster_id not in mine
    ]
    return [*panes, *sorted(others, key=lambda pane: pane.name)]


def _pane(name: str, area: str | None, dcos: Sequence[str]) -> Pane:
    where = ("--cluster", name, *options.area_arguments(area))
    about, problem = asked("cluster", "show", *where, *dcos)
    if about is None and _NO_AREA in problem:
        about, _ = asked("cluster", "show", "--cluster", name, *dcos)
        return Pane(name, "no area", problem, about or {})
    if about is None:
        marks = _NOT_RUNNING if is_local(name) else _NOT_SET_UP
        state = "not running" if is_local(name) else "not set up"
        return Pane(name, state if any(mark in problem for mark in marks) else "unknown", problem)
    if not about["deployed"]:
        return Pane(name, "not deployed", about=about)
    status, problem = asked("status", *where, *dcos)
    if status is None:
        return Pane(name, "unknown", problem, about)
    problem = str(status.get("problem") or "")
    return Pane(name, "healthy" if status["healthy"] else "unhealthy", problem, about, status)


def asked(*command: str) -> tuple[Json | None, str]:
    """The JSON that a command of `pipectl` prints, or None and its error."""
    # The command names its cluster and its area.
    environ = {key: value for key, value in os.environ.items() if key != "PIPECTL_AREA"}
    environ["PIPECTL_HOME"] = str(base_home())
    argv = [sys.executable, "-m", "cli", *command, "-o", "json"]
    try:
        done = subprocess.run(
            argv,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, f"no answer within {SECONDS:g} s"
    try:
        document: Json = json.loads(done.stdout)
    except ValueError:
        lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        said = lines[0].removeprefix("error: ") if lines else done.stderr.strip()[-200:]
        return None, said or f"`pipectl {command[0]}` ended with exit code {done.returncode}"
    return document, ""
