"""An app of ours that the bundle no longer has, as a step that removes it."""

import threading
from collections.abc import Mapping

from cli.engine.protocol import AppStatus, Engine
from cli.steps.app import AppStep
from cli.steps.base import Change, Report, State


class OrphanStep:
    """Removes an app that carries the bundle's label, and waits until it is gone."""

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
        note = "carries the bundle's label, and the bundle has no such app"
        return Change("remove", [f"-{self._step.app_id} ({self._app.instances} instances)"], (note,))

    def apply(self, change: Change) -> None:
        """Nothing yet: removing it and waiting for its end are one."""

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Create it again as it was."""
        if self._step.app_id in self._engine.apps(fresh=True):
            return None
        report("creating it again")
        self._engine.create(self._engine.manifest_of(self._app))
        self._step.wait(report, stop)
        return f"{self.name} as it was"

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Remove it and wait until it is gone."""
        self._step.remove(report, stop)

    def state(self) -> State:
        """It should not be there."""
        if self._step.app_id not in self._engine.apps():
            return State(True, "healthy", "gone")
        return State(False, "unhealthy", "the bundle no longer has it: the next deploy removes it")

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Remove it."""
        return self._step.remove(report, stop)


def orphans_of(
    engine: Engine, group: str, ids: set[str], *, depends_on: frozenset[str]
) -> Mapping[str, OrphanStep]:
    """The apps with the label of the bundle `group` that are not among its `ids`, by their ids."""
    return {
        app_id.removeprefix(f"{group}/"): OrphanStep(
            app_id.removeprefix(f"{group}/"), app, engine, depends_on=depends_on
        )
        for app_id, app in engine.apps().items()
        if app.owner == group and app_id not in ids
    }
