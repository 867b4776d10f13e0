"""Converts Marathon's JSON of apps and tasks to the protocol's types."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.engine.protocol import AppStatus, Failure, Manifest, Task

Json = dict[str, Any]
# The time for offers and pulling the image, on top of the app's grace period.
LAUNCHING = timedelta(minutes=1)
_NEVER = datetime.fromtimestamp(0, UTC)


def manifest_of(definition: Mapping[str, Any]) -> Manifest:
    """An app definition as a manifest."""
    return Manifest(
        definition["id"],
        definition.get("labels", {}),
        definition.get("instances", 1),
        definition.get("env", {}),
        definition,
    )


def app_of(app: Json) -> AppStatus:
    """An app from `dcos marathon app list --json`."""
    revised = app.get("versionInfo", {}).get("lastConfigChangeAt")
    changed = app.get("version", revised)
    return AppStatus(
        id=app["id"],
        labels=app.get("labels", {}),
        instances=app.get("instances", 1),
        running=app.get("tasksRunning", 0),
        healthy=app.get("tasksHealthy", 0),
        starting=app.get("tasksStaged", 0),
        checked=bool(app.get("healthChecks")),
        rolling_out=bool(app.get("deployments")),
        revised_at=datetime.fromisoformat(revised) if revised else _NEVER,
        changed_at=datetime.fromisoformat(changed) if changed else _NEVER,
        env=app.get("env", {}),
        ports={port["name"]: port["port"] for port in app.get("portDefinitions") or () if port.get("name")},
        observed=app,
    )


def task_of(task: Json) -> Task:
    """A task from `dcos marathon task list --json`."""
    started = task.get("startedAt")
    return Task(
        task["id"],
        datetime.fromisoformat(started) if started else None,
        datetime.fromisoformat(task["version"]),
    )


def failure_of(app: Json) -> Failure | None:
    """The last failure of an app from `dcos marathon app show`; lists omit it."""
    failure = app.get("lastTaskFailure")
    if not failure:
        return None
    time = datetime.fromisoformat(failure["timestamp"])
    return Failure(time, failure["taskId"], failure["state"], failure.get("message", ""))


def start_limit(definition: Mapping[str, Any]) -> timedelta:
    """The time that an app may take to become healthy: stop old tasks, launch, and pass its checks."""
    ending = float(definition.get("taskKillGracePeriodSeconds", 3))
    seconds = ending
    for check in definition.get("healthChecks", []):
        own = check.get("gracePeriodSeconds", 300) + check.get("delaySeconds", 15)
        own += check.get("intervalSeconds", 60) * max(1, check.get("maxConsecutiveFailures", 3))
        seconds = max(seconds, ending + own)
    return LAUNCHING + timedelta(seconds=seconds)
