"""Deployments: each changes one app, and locks it until the app has reached its desired state."""

from collections.abc import Callable, Mapping
from typing import Any

from local_dcos.errors import ApiError
from local_dcos.model import App, Deployment, Json
from local_dcos.stamps import new_version
from local_dcos.store import State

_NOT_CONFIG = ("version", "instances")
LOCKED = (
    "App is locked by one or more deployments. Override with the option '?force=true'. "
    "View details at '/v2/deployments/<DEPLOYMENT_ID>'."
)


def same_config(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two definitions are the same, apart from the number of instances."""
    return {k: v for k, v in one.items() if k not in _NOT_CONFIG} == {
        k: v for k, v in other.items() if k not in _NOT_CONFIG
    }


class Deployments:
    """Starts, follows, cancels and rolls back deployments."""

    def __init__(self, state: State, changed: Callable[[App], None], save: Callable[[], str | None]) -> None:
        self._state = state
        self._changed = changed
        self._save = save

    def begin(self, app_id: str, new: Json | None, *, force: bool, restart: bool = False) -> Deployment:
        """Gives an app a new definition, or removes it if `new` is None.

        Raises:
            ApiError: 409 if a deployment locks the app and `force` is not set. 503 if the state can't be
                saved; an app can be removed even then, since that frees space.
        """
        if new is not None and (reason := self._save()):
            raise ApiError(503, f"{reason}. Nothing was changed: free some space, then try again.")
        self._unlock(app_id, force=force)
        app = self._state.apps.get(app_id)
        before = app.definition if app else None
        deployment = Deployment(new_version(), app_id, _action(app, new), before)
        if self._is_change(app, new) or restart:
            self._state.deployments[deployment.id] = deployment
            self._apply(deployment, app, new, restart=restart)
            self.progress()
        # The client gets its answer next, so the state must be on the disk.
        self._save()
        return deployment

    @staticmethod
    def _is_change(app: App | None, new: Json | None) -> bool:
        if app is None or new is None or app.deleting:
            return app is not None or new is not None
        return not same_config(app.definition, new) or app.instances != new["instances"]

    def _apply(self, deployment: Deployment, app: App | None, new: Json | None, *, restart: bool) -> None:
        if new is not None:
            changed = app is None or restart or not same_config(app.definition, new)
            if app is None:
                app = self._state.apps[deployment.app_id] = App(definition=new)
            app.set_definition(new, deployment.version, config_changed=changed)
        if app is not None:
            app.deleting = new is None
            app.deployment = deployment.id
            self._changed(app)

    def _unlock(self, app_id: str, *, force: bool) -> None:
        locks = [each for each in self._state.deployments.values() if each.app_id == app_id]
        if locks and not force:
            raise ApiError(409, LOCKED, {"deployments": [{"id": each.id} for each in locks]})
        for each in locks:
            self.cancel(each)

    def cancel(self, deployment: Deployment) -> None:
        """Stops following a deployment. Its app keeps the new definition."""
        self._state.deployments.pop(deployment.id, None)
        app = self._state.apps.get(deployment.app_id)
        if app is not None and app.deployment == deployment.id:
            app.deployment = None
            self._changed(app)

    def roll_back(self, deployment: Deployment) -> Deployment:
        """Replaces a deployment by one that restores what was before it."""
        return self.begin(deployment.app_id, deployment.previous, force=True)

    def progress(self) -> None:
        """Ends the deployments whose apps have reached their desired state."""
        for deployment in list(self._state.deployments.values()):
            if self._is_done(deployment):
                self.cancel(deployment)

    def _is_done(self, deployment: Deployment) -> bool:
        app = self._state.apps.get(deployment.app_id)
        if app is None or app.deleting:
            return app is None
        tasks = self._state.tasks_of(app.id)
        current = all(task.config_version == app.last_config_change_at for task in tasks)
        return current and len(tasks) == app.instances and all(task.is_available for task in tasks)


def _action(app: App | None, new: Json | None) -> str:
    if new is None:
        return "StopApplication"
    if app is None:
        return "StartApplication"
    return "ScaleApplication" if app.instances != new["instances"] else "RestartApplication"
