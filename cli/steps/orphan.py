"""The step that removes an orphan: an app with the bundle's label that the bundle no longer has."""

import threading
from collections.abc import Mapping

from cli.engine.protocol import AppStatus, Engine
from cli.steps.app import AppStep
from cli.steps.base import Change, Report, State


class OrphanStep:
    """Removes an orphan and waits until it is gone."""

    kind = "app"

    def __init__(self, name: str, app: AppStatus, engine: Engine, *, depends_on: frozenset[str]) -> None:
        self.name = name
        self.depends_on = depends_on
        self._app = app
        self._engine = engine
        self._step = AppStep(name, engine.manifest_of(app), engine, depends_on=depends_on)

    def plan(self) -> Change:
        """Remove it."""
        if self._step.app_id not in self._engine.apps():
            return Change("unchanged")
        note = "has the bundle's label, but the bundle has no such app"
        return Change("remove", [f"-{self._step.app_id} ({self._app.instances} instances)"], (note,))

    def apply(self, change: Change) -> None:
        """Delete it."""
        if change.action == "remove":
            self._engine.delete(self._step.app_id)

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Create it again."""
        if self._step.app_id in self._engine.apps(fresh=True):
            return None
        report("creating it again")
        self._engine.create(self._engine.manifest_of(self._app))
        self._step.wait(report, stop)
        return f"{self.name} restored"

    def wait(self, report: Report, stop: threading.Event) -> bool:
        """Wait until it is gone."""
        return self._step.wait_until_gone(report, stop)

    def state(self) -> State:
        """Healthy once it is gone."""
        if self._step.app_id not in self._engine.apps():
            return State(True, "healthy", "gone")
        return State(False, "unhealthy", "no longer part of the bundle; the next deploy removes it")

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Remove it."""
        return self._step.remove(report, stop)


def orphans_of(
    engine: Engine, group: str, ids: set[str], *, depends_on: frozenset[str]
) -> Mapping[str, OrphanStep]:
    """The apps with the label of the bundle `group` that are not in `ids`, by name."""
    return {
        app_id.removeprefix(f"{group}/"): OrphanStep(
            app_id.removeprefix(f"{group}/"), app, engine, depends_on=depends_on
        )
        for app_id, app in engine.apps().items()
        if app.owner == group and app_id not in ids
    }
