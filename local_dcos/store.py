"""The state of the cluster and its file: apps, tasks, deployments and jobs."""

import json
import logging
import shutil
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_dcos.errors import HomeError
from local_dcos.files import write_durably
from local_dcos.home import Home
from local_dcos.jobs.definition import runnable
from local_dcos.jobs.model import Job
from local_dcos.model import App, Deployment, Json, Node, Task
from local_dcos.sandbox import KEPT_PER_APP

COMPLETED_KEPT = 100
# What reading a damaged file raises: it is not JSON, not UTF-8, or has other keys.
_DAMAGE = (ValueError, KeyError, TypeError, RecursionError)
_log = logging.getLogger(__name__)


class State:
    """Everything that must survive the agent. `save` writes it as a whole.

    Raises:
        HomeError: The file is damaged, and there is no good copy of it.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self.apps: dict[str, App] = {}
        self.tasks: dict[str, Task] = {}
        # The tasks of agents that have ended, by Marathon's unreachable strategy.
        self.unreachable: dict[str, Task] = {}
        self.nodes: dict[str, Node] = {}
        self.ended: deque[Task] = deque(maxlen=COMPLETED_KEPT)
        self.deployments: dict[str, Deployment] = {}
        self.jobs: dict[str, Job] = {}
        self.links: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.quotas: dict[str, dict[str, Any]] = {}
        self._load()

    def tasks_of(self, app_id: str) -> list[Task]:
        """Returns the app's tasks that have not ended, the oldest first."""
        return sorted((t for t in self.tasks.values() if t.app_id == app_id), key=lambda task: task.staged_at)

    def unreachable_of(self, app_id: str) -> list[Task]:
        """Returns the app's tasks whose agents have ended."""
        return [task for task in self.unreachable.values() if task.app_id == app_id]

    def claims(self) -> Iterator[tuple[Task, Json]]:
        """Yields the tasks of apps and runs, each with the definition of its command and its resources."""
        for task in self.tasks.values():
            if (app := self.apps.get(task.app_id)) is not None:
                yield task, app.definition_of(task)
        for job in self.jobs.values():
            for run in job.active.values():
                yield run.task, runnable(run.definition)

    def run_tasks(self) -> list[Task]:
        """Returns the tasks of the runs that have not ended."""
        return [run.task for job in self.jobs.values() for run in job.active.values()]

    def is_live(self, task_id: str) -> bool:
        """Tells whether a task, of an app or of a run, has not ended."""
        return task_id in self.tasks or any(task.id == task_id for task in self.run_tasks())

    def completed(self, task: Task) -> None:
        """Adds a task to those that ended. Removes the oldest sandboxes of its app."""
        self.ended.append(task)
        same = [ended for ended in self.ended if ended.app_id == task.app_id]
        for old in same[:-KEPT_PER_APP]:
            shutil.rmtree(self._home.sandbox(old), ignore_errors=True)

    def save(self) -> None:
        """Writes everything, and keeps the file before as a copy.

        Raises:
            OSError: The file can't be written. The one before stays.
        """
        document = {
            "apps": [app.to_json() for app in self.apps.values()],
            "tasks": [task.to_json() for task in self.tasks.values()],
            "unreachable": [task.to_json() for task in self.unreachable.values()],
            "nodes": [node.to_json() for node in self.nodes.values()],
            "ended": [task.to_json() for task in self.ended],
            "deployments": [deployment.to_json() for deployment in self.deployments.values()],
            "jobs": [job.to_json() for job in self.jobs.values()],
            "links": self.links,
            "groups": self.groups,
            "quotas": self.quotas,
        }
        write_durably(self._home.state_file, json.dumps(document), previous=self._home.previous_state)

    def _load(self) -> None:
        """Reads the newest good copy. A new cluster has none and starts empty."""
        newest, damaged = self._home.state_file, self._home.damaged_state
        if not newest.exists():
            # The agent was killed between two steps of a save.
            newest = self._home.previous_state
        try:
            self._read(newest)
        except FileNotFoundError:
            return
        except _DAMAGE as error:
            try:
                self._read(self._home.previous_state)
            except (FileNotFoundError, *_DAMAGE):
                raise HomeError(
                    f"{newest} is damaged ({error!r}), and there is no good copy of it. To start without "
                    f"apps, move the file away: mv {newest} {damaged}. Then deploy the apps again."
                ) from error
            newest.replace(damaged)
            _log.error(
                "%s is damaged (%r). It was renamed to %s, and the last good copy is used. "
                "Check whether the last change of an app is still there.",
                newest,
                error,
                damaged.name,
            )

    def _read(self, path: Path) -> None:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        apps = [App.from_json(app) for app in document["apps"]]
        tasks = [Task.from_json(task) for task in document["tasks"]]
        ended = [Task.from_json(task) for task in document["ended"]]
        # A deployment of an older agent changed several apps and is not continued. Its apps keep their new
        # definitions.
        deployments = [Deployment.from_json(one) for one in document["deployments"] if "app_id" in one]
        # The state of an older agent lacks what was added later.
        jobs = [Job.from_json(job) for job in document.get("jobs", [])]
        unreachable = [Task.from_json(task) for task in document.get("unreachable", [])]
        nodes = [Node.from_json(node) for node in document.get("nodes", [])]
        links, groups, quotas = (dict(document.get(key, {})) for key in ("links", "groups", "quotas"))
        self.apps = {app.id: app for app in apps}
        self.tasks = {task.id: task for task in tasks}
        self.unreachable = {task.id: task for task in unreachable}
        self.nodes = {node.id: node for node in nodes}
        self.ended.extend(ended)
        self.jobs = {job.id: job for job in jobs}
        self.links, self.groups, self.quotas = links, groups, quotas
        self.deployments = {one.id: one for one in deployments}
        for deployment in deployments:
            if deployment.app_id in self.apps:
                self.apps[deployment.app_id].deployment = deployment.id
