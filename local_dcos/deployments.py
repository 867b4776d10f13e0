"""Changes on their way: what they lock, in which order their apps move, and when they are done."""

import graphlib
from collections.abc import Callable, Collection, Mapping
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
    """Tells whether two definitions differ in the number of instances only, or not at all."""
    return {k: v for k, v in one.items() if k not in _NOT_CONFIG} == {
        k: v for k, v in other.items() if k not in _NOT_CONFIG
    }


class Deployments:
    """Starts, follows, cancels and rolls back deployments."""

    def __init__(
        self,
        state: State,
        changed: Callable[[App], None],
        emit: Callable[[str, Json], None],
        save: Callable[[], str | None],
    ) -> None:
        self._state = state
        self._changed = changed
        self._emit = emit
        self._save = save

    def begin(
        self, wanted: Mapping[str, Json | None], *, force: bool, restart: Collection[str] = ()
    ) -> Deployment:
        """Makes `wanted` the wanted state: a definition for each app id, None to remove the app.

        Raises:
            ApiError: 409 when one of the apps is locked and `force` isn't set; 503 when nothing can be saved
                and it is more than a removal, which makes room.
        """
        if any(wanted.values()) and (reason := self._save()):
            raise ApiError(503, f"{reason}. Nothing was changed: make room, then send it again.")
        moving = {app_id: new for app_id, new in wanted.items() if self._moves(app_id, new, restart)}
        self._unlock(wanted, force=force)
        version = new_version()
        previous: dict[str, Json | None] = {}
        actions: dict[str, Json] = {}
        for app_id, new in moving.items():
            app = self._state.apps.get(app_id)
            previous[app_id] = app.definition if app else None
            actions[app_id] = {"action": self._action(app, new), "app": app_id}
        levels = self._levels(moving)
        steps = [[actions[app_id] for app_id in level] for level in levels]
        deployment = Deployment(version=version, steps=steps, previous=previous)
        self._state.deployments[deployment.id] = deployment
        for app_id, new in moving.items():
            self._apply(deployment, app_id, new, restarted=app_id in restart)
        for level in levels[1:]:
            for app_id in level:
                self._state.apps[app_id].held = True
        self._emit("deployment_info", {"plan": {"id": deployment.id, "version": version}})
        self.progress()
        # Whoever asked is answered next: what was promised must survive the agent.
        self._save()
        return deployment

    def _moves(self, app_id: str, new: Json | None, restart: Collection[str]) -> bool:
        app = self._state.apps.get(app_id)
        if app is None or new is None or app.deleting or app_id in restart:
            return True
        return not same_config(app.definition, new) or app.instances != new["instances"]

    @staticmethod
    def _action(app: App | None, new: Json | None) -> str:
        if new is None:
            return "StopApplication"
        if app is None:
            return "StartApplication"
        return "ScaleApplication" if app.instances != new["instances"] else "RestartApplication"

    def _apply(self, deployment: Deployment, app_id: str, new: Json | None, *, restarted: bool) -> None:
        app = self._state.apps.get(app_id)
        if new is None:
            if app is None:
                return
            app.deleting = True
        elif app is None:
            app = App(definition=new)
            app.set_definition(new, deployment.version, config_changed=True)
            self._state.apps[app_id] = app
        else:
            changed = restarted or not same_config(app.definition, new)
            app.deleting = False
            app.set_definition(new, deployment.version, config_changed=changed)
        app.deployment = deployment.id
        self._changed(app)

    def _levels(self, moving: Mapping[str, Json | None]) -> list[list[str]]:
        graph: dict[str, set[str]] = {app_id: set() for app_id in moving}
        for app_id, new in moving.items():
            definition = new or self._state.apps[app_id].definition
            for needed in definition["dependencies"]:
                for other in moving:
                    if other != app_id and (other == needed or other.startswith(f"{needed}/")):
                        # What others need comes first, and goes last.
                        first, second = (other, app_id) if new is not None else (app_id, other)
                        graph[second].add(first)
        sorter = graphlib.TopologicalSorter(graph)
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            details = [{"path": "/dependencies", "errors": [f"cyclic: {' -> '.join(error.args[1])}"]}]
            raise ApiError(422, "Object is not valid", {"details": details}) from error
        levels = []
        while sorter.is_active():
            ready = list(sorter.get_ready())
            levels.append(ready)
            sorter.done(*ready)
        return levels

    def _unlock(self, app_ids: Collection[str], *, force: bool) -> None:
        locks = [one for one in self._state.deployments.values() if set(one.app_ids) & set(app_ids)]
        if locks and not force:
            raise ApiError(409, LOCKED, {"deployments": [{"id": one.id} for one in locks]})
        for one in locks:
            self.cancel(one)

    def cancel(self, deployment: Deployment) -> None:
        """Stops following a deployment; its apps keep the definitions that it gave them."""
        self._state.deployments.pop(deployment.id, None)
        for app_id in deployment.app_ids:
            app = self._state.apps.get(app_id)
            if app is not None and app.deployment == deployment.id:
                app.deployment, app.held = None, False
                self._changed(app)

    def roll_back(self, deployment: Deployment) -> Deployment:
        """Replaces a deployment by one that restores what was before it."""
        self.cancel(deployment)
        wanted = {
            app_id: before
            for app_id, before in deployment.previous.items()
            if before is not None or app_id in self._state.apps
        }
        return self.begin(wanted, force=True)

    def progress(self) -> None:
        """Moves every deployment whose current step is done to its next step, or to its end."""
        for deployment in list(self._state.deployments.values()):
            while deployment.step < len(deployment.steps) and self._is_done(
                deployment.steps[deployment.step]
            ):
                deployment.step += 1
                for action in deployment.steps[deployment.step : deployment.step + 1]:
                    self._release([str(one["app"]) for one in action])
            if deployment.step >= len(deployment.steps):
                self.cancel(deployment)
                self._emit("deployment_success", {"id": deployment.id, "version": deployment.version})

    def _release(self, app_ids: list[str]) -> None:
        for app_id in app_ids:
            app = self._state.apps.get(app_id)
            if app is not None:
                app.held = False
                self._changed(app)

    def _is_done(self, actions: list[Json]) -> bool:
        return all(self._is_settled(str(action["app"]), str(action["action"])) for action in actions)

    def _is_settled(self, app_id: str, action: str) -> bool:
        app = self._state.apps.get(app_id)
        if app is None or action == "StopApplication":
            return app is None
        tasks = self._state.tasks_of(app_id)
        current = all(task.config_version == app.last_config_change_at for task in tasks)
        return current and len(tasks) == app.instances and all(task.is_good for task in tasks)
