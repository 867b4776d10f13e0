"""The agent's memory and its file: apps, tasks, deployments, groups, package repositories."""

import json
import shutil
from collections import deque
from typing import Any

from local_dcos.home import Home, write_atomically
from local_dcos.model import App, Deployment, Json, Task
from local_dcos.sandbox import KEPT_PER_APP

COMPLETED_KEPT = 100


class State:
    """Everything that must survive the agent; `save` writes it whole."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.apps: dict[str, App] = {}
        self.tasks: dict[str, Task] = {}
        self.ended: deque[Task] = deque(maxlen=COMPLETED_KEPT)
        self.deployments: dict[str, Deployment] = {}
        self.groups: set[str] = set()
        self.repositories: list[Json] = []
        self._load()

    def tasks_of(self, app_id: str) -> list[Task]:
        """Returns the app's tasks that aren't gone yet, the oldest first."""
        return sorted((t for t in self.tasks.values() if t.app_id == app_id), key=lambda task: task.staged_at)

    def completed(self, task: Task) -> None:
        """Moves a task to the ended ones; removes the sandboxes of its app that are too old to matter."""
        self.ended.append(task)
        same = [ended.id for ended in self.ended if ended.app_id == task.app_id]
        for task_id in same[:-KEPT_PER_APP]:
            shutil.rmtree(self._home.sandboxes / task_id, ignore_errors=True)

    def save(self) -> None:
        document = {
            "apps": [app.to_json() for app in self.apps.values()],
            "tasks": [task.to_json() for task in self.tasks.values()],
            "ended": [task.to_json() for task in self.ended],
            "deployments": [deployment.to_json() for deployment in self.deployments.values()],
            "groups": sorted(self.groups),
            "repositories": self.repositories,
        }
        write_atomically(self._home.state_file, json.dumps(document))

    def _load(self) -> None:
        if not self._home.state_file.exists():
            return
        document: dict[str, Any] = json.loads(self._home.state_file.read_text(encoding="utf-8"))
        apps = [App.from_json(app) for app in document["apps"]]
        self.apps = {app.id: app for app in apps}
        self.tasks = {task["id"]: Task.from_json(task) for task in document["tasks"]}
        self.ended.extend(Task.from_json(task) for task in document["ended"])
        self.deployments = {one["id"]: Deployment.from_json(one) for one in document["deployments"]}
        self.groups = set(document["groups"])
        self.repositories = document["repositories"]
        for deployment in self.deployments.values():
            for app_id in deployment.app_ids:
                if app_id in self.apps:
                    self.apps[app_id].deployment = deployment.id
