"""Why the gatherer's job failed last, as its app's own log has it: Marathon knows only of processes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cli.cluster import Cluster
from cli.errors import DcosError

# The app says little: a line for each failure, restart and change of a topic.
LINES = 200
_FAILURE = re.compile(r"\bjob failure at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC: (.+)")


@dataclass(frozen=True)
class LastFailure:
    """time: `2026-11-22 01:02:03.004`, UTC. reason: the root cause, in a line."""

    time: str
    reason: str


def last_failure(cluster: Cluster, app_id: str) -> LastFailure | None:
    """The last failure that the app's newest task tells, or else the task that ended before it.

    None when neither tells one or their logs can't be read: it is for information only.
    """
    try:
        tasks = sorted(cluster.tasks(app_id), key=lambda task: str(task.get("startedAt") or ""))
        if tasks and (found := _told_by(cluster, tasks[-1]["id"])):
            return found
        ended = cluster.last_failure(app_id)
        return _told_by(cluster, ended["taskId"]) if ended else None
    except DcosError:
        return None


def _told_by(cluster: Cluster, task_id: str) -> LastFailure | None:
    try:
        log = cluster.dcos.run(["task", "log", "--all", f"--lines={LINES}", task_id, "stdout"])
    except DcosError:
        return None
    found = _FAILURE.findall(log)
    return LastFailure(*found[-1]) if found else None
