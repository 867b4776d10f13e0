"""The agent's memory and its file: apps, tasks, deployments, jobs, groups, package repositories."""

import json
import logging
import shutil
from collections import deque
from pathlib import Path
from typing import Any

from local_dcos.errors import HomeError
from local_dcos.files import write_durably
from local_dcos.home import Home
from local_dcos.jobs.model import Job
from local_dcos.model import App, Deployment, Json, Task
from local_dcos.sandbox import KEPT_PER_APP

COMPLETED_KEPT = 100
# What comes of reading text that is no state: no JSON, no UTF-8, or other keys than ours.
_DAMAGE = (ValueError, KeyError, TypeError, RecursionError)
_log = logging.getLogger(__name__)


class State:
    """Everything that must survive the agent; `save` writes it whole.

    Raises:
        HomeError: What was saved is damaged, and no good copy is there.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self.apps: dict[str, App] = {}
        self.tasks: dict[str, Task] = {}
        self.ended: deque[Task] = deque(maxlen=COMPLETED_KEPT)
        self.deployments: dict[str, Deployment] = {}
        self.jobs: dict[str, Job] = {}
        self.groups: set[str] = set()
        self.repositories: list[Json] = []
        self._load()

    def tasks_of(self, app_id: str) -> list[Task]:
        """Returns the app's tasks that aren't gone yet, the oldest first."""
        return sorted((t for t in self.tasks.values() if t.app_id == app_id), key=lambda task: task.staged_at)

    def run_tasks(self) -> list[Task]:
        """Returns the tasks of the runs that have not ended."""
        return [run.task for job in self.jobs.values() for run in job.active.values()]

    def is_live(self, task_id: str) -> bool:
        """Tells whether a task, of an app or of a run, has not ended."""
        return task_id in self.tasks or any(task.id == task_id for task in self.run_tasks())

    def completed(self, task: Task) -> None:
        """Moves a task to the ended ones; removes the sandboxes of its app that are too old to matter."""
        self.ended.append(task)
        same = [ended.id for ended in self.ended if ended.app_id == task.app_id]
        for task_id in same[:-KEPT_PER_APP]:
            shutil.rmtree(self._home.sandboxes / task_id, ignore_errors=True)

    def save(self) -> None:
        """Writes everything, and keeps what was saved before.

        Raises:
            OSError: It can't be written; what was saved before stays.
        """
        document = {
            "apps": [app.to_json() for app in self.apps.values()],
            "tasks": [task.to_json() for task in self.tasks.values()],
            "ended": [task.to_json() for task in self.ended],
            "deployments": [deployment.to_json() for deployment in self.deployments.values()],
            "jobs": [job.to_json() for job in self.jobs.values()],
            "groups": sorted(self.groups),
            "repositories": self.repositories,
        }
        write_durably(self._home.state_file, json.dumps(document), previous=self._home.previous_state)

    def _load(self) -> None:
        """Takes the newest copy that can be read. There may be none: a new cluster begins empty."""
        newest, damaged = self._home.state_file, self._home.damaged_state
        if not newest.exists():
            # Killed between two steps of a save.
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
                    f"{newest} is damaged ({error!r}), and there is no good copy of it. To begin without "
                    f"apps, which `pipectl deploy` makes again, move it away: mv {newest} {damaged}"
                ) from error
            newest.replace(damaged)
            _log.error(
                "%s is damaged (%r): it is %s now, and the last good copy is used. "
                "Look whether the last change of an app is still there.",
                newest,
                error,
                damaged.name,
            )

    def _read(self, path: Path) -> None:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        apps = [App.from_json(app) for app in document["apps"]]
        tasks = [Task.from_json(task) for task in document["tasks"]]
        ended = [Task.from_json(task) for task in document["ended"]]
        deployments = [Deployment.from_json(one) for one in document["deployments"]]
        # What an older agent saved has no jobs.
        jobs = [Job.from_json(job) for job in document.get("jobs", [])]
        self.groups, self.repositories = set(document["groups"]), list(document["repositories"])
        self.apps = {app.id: app for app in apps}
        self.tasks = {task.id: task for task in tasks}
        self.ended.extend(ended)
        self.jobs = {job.id: job for job in jobs}
        self.deployments = {one.id: one for one in deployments}
        for deployment in deployments:
            for app_id in deployment.app_ids:
                if app_id in self.apps:
                    self.apps[app_id].deployment = deployment.id
