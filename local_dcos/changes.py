"""What callers may ask of apps and groups: checked, locked, and turned into deployments."""

import math
from collections.abc import Iterable

from local_dcos import defaults, definition, schema
from local_dcos.agent import Agent
from local_dcos.errors import ApiError
from local_dcos.model import App, Deployment, Json

_ALTERNATIVES = {"cmd": "args", "args": "cmd", "ports": "portDefinitions", "portDefinitions": "ports"}


class Changes:
    """Creates, updates, restarts, scales and removes apps and groups."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._state = agent.state

    def app(self, app_id: str) -> App:
        """Returns an app.

        Raises:
            ApiError: 404 when there is none.
        """
        app = self._state.apps.get(definition.absolute_id(app_id))
        if app is None:
            raise ApiError(404, f"App '{definition.absolute_id(app_id)}' does not exist")
        return app

    def complete(self, document: Json, base: str = "/") -> Json:
        """Returns a full definition out of what a caller sent.

        Raises:
            ApiError: 422, naming every mistake.
        """
        document = self._checked(document)
        if "id" not in document:
            details = [{"path": "/id", "errors": ["error.path.missing"]}]
            raise ApiError(422, "Object is not valid", {"details": details})
        app_id = definition.absolute_id(document["id"], base)
        group = app_id.rpartition("/")[0] or "/"
        needed = [definition.absolute_id(one, group) for one in document.get("dependencies", [])]
        full = defaults.fill({**document, "id": app_id, "dependencies": needed}, self._agent.service_port)
        definition.check_rules(full)
        return full

    @staticmethod
    def _checked(document: Json) -> Json:
        document = definition.without_read_only(document)
        definition.check_shape(document)
        checked: Json = definition.without_nulls(document)
        return checked

    def create(self, document: Json, *, force: bool = False) -> tuple[App, Deployment]:
        """Adds an app that must not exist."""
        full = self.complete(document)
        if full["id"] in self._state.apps and not self._state.apps[full["id"]].deleting:
            raise ApiError(409, f"An app with id [{full['id']}] already exists.")
        if full["id"] in self._group_ids():
            raise ApiError(409, f"A group with id [{full['id']}] already exists.")
        deployment = self._agent.deployments.begin({full["id"]: full}, force=force)
        return self._state.apps[full["id"]], deployment

    def merged(self, app_id: str, document: Json) -> Json:
        """Returns an app's definition with the given keys replaced, the others as they are."""
        app_id = definition.absolute_id(app_id)
        app = self._state.apps.get(app_id)
        version = document.get("version")
        if app is not None and isinstance(version, str) and set(document) <= {"version", "id"}:
            if version not in app.versions:
                raise ApiError(404, f"App '{app_id}' does not have the version '{version}'")
            return {key: value for key, value in app.versions[version].items() if key != "version"}
        document = self._checked(document)
        if "id" in document and definition.absolute_id(document["id"]) != app_id:
            details = [{"path": "/id", "errors": [f"must be {app_id}"]}]
            raise ApiError(422, "Object is not valid", {"details": details})
        document["id"] = app_id
        if app is None:
            return self.complete(document)
        before = {key: value for key, value in app.definition.items() if key != "version"}
        for key, other in _ALTERNATIVES.items():
            if key in document and other not in document:
                before.pop(other, None)
        if "networks" in document or "container" in document:
            if (
                "portDefinitions" not in document
                and (document.get("networks") or [{}])[0].get("mode") != "host"
            ):
                before.pop("portDefinitions", None)
            if "networks" not in document and "portMappings" in document.get("container", {}):
                before.pop("networks", None)
        return self.complete({**before, **self._keeping_ports(before, document)})

    @staticmethod
    def _keeping_ports(before: Json, document: Json) -> Json:
        """Leaves service ports alone that were assigned earlier: sending 0 again is no change."""
        old, new = before.get("portDefinitions", []), document.get("portDefinitions")
        if not new or len(old) != len(new):
            return document
        pairs = zip(old, new, strict=True)
        kept = [{**port, "port": port.get("port") or was["port"]} for was, port in pairs]
        return {**document, "portDefinitions": kept}

    def update(self, documents: Iterable[Json], *, force: bool) -> Deployment:
        """Updates, or adds, apps in one deployment."""
        wanted: dict[str, Json | None] = {}
        for document in documents:
            if not isinstance(document, dict) or not isinstance(document.get("id"), str):
                details = [{"path": "/id", "errors": ["error.path.missing"]}]
                raise ApiError(422, "Object is not valid", {"details": details})
            full = self.merged(document["id"], document)
            wanted[full["id"]] = full
        return self._agent.deployments.begin(wanted, force=force)

    def restart(self, app_id: str, *, force: bool) -> Deployment:
        """Replaces every task of an app by one of the same definition."""
        app = self.app(app_id)
        return self._agent.deployments.begin({app.id: app.definition}, force=force, restart=[app.id])

    def remove(self, app_id: str, *, force: bool) -> Deployment:
        """Removes an app and its tasks."""
        return self._agent.deployments.begin({self.app(app_id).id: None}, force=force)

    def scale(self, amounts: dict[str, int], *, force: bool) -> Deployment:
        """Gives apps a number of instances, the rest of their definitions unchanged."""
        wanted: dict[str, Json | None] = {}
        for app_id, instances in amounts.items():
            before = {key: value for key, value in self.app(app_id).definition.items() if key != "version"}
            wanted[self.app(app_id).id] = self.complete({**before, "instances": max(0, instances)})
        return self._agent.deployments.begin(wanted, force=force)

    def _group_ids(self) -> set[str]:
        found = {"/"}
        for path in [*self._state.apps, *(f"{one}/x" for one in self._state.groups)]:
            parts = path.strip("/").split("/")[:-1]
            found |= {"/" + "/".join(parts[: end + 1]) for end in range(len(parts))}
        return found

    def group_id(self, group_id: str) -> str:
        """Returns the absolute id of an existing group.

        Raises:
            ApiError: 404 when there is none.
        """
        absolute = definition.absolute_id(group_id)
        if absolute not in self._group_ids():
            raise ApiError(404, f"Group '{absolute}' does not exist")
        return absolute

    def _apps_below(self, group_id: str) -> list[App]:
        prefix = group_id.rstrip("/") + "/"
        return [app for app in self._state.apps.values() if app.id.startswith(prefix)]

    def _collect(self, document: Json, base: str, groups: set[str]) -> dict[str, Json | None]:
        group_id = definition.absolute_id(document.get("id", base), base)
        definition.check_group_id(group_id)
        groups.add(group_id)
        found: dict[str, Json | None] = {}
        for app in document.get("apps", []):
            app_id = definition.absolute_id(str(app.get("id", "")), group_id)
            found[app_id] = self.merged(app_id, {**app, "id": app_id})
        for group in document.get("groups", []):
            found |= self._collect(group, group_id, groups)
        return found

    def create_group(self, document: Json, *, force: bool) -> Deployment:
        """Adds a group with its apps and groups."""
        definition.check_shape(document, schema.GROUP)
        group_id = definition.absolute_id(document.get("id") or "/")
        if group_id != "/" and group_id in self._group_ids():
            raise ApiError(409, f"Group {group_id} is already created. Use PUT to change this group.")
        return self.update_group(group_id, document, force=force)

    def update_group(self, group_id: str, document: Json, *, force: bool) -> Deployment:
        """Makes a group what `document` says; `scaleBy` multiplies the instances of its apps instead."""
        group_id = definition.absolute_id(group_id)
        definition.check_shape(document, schema.GROUP)
        document = definition.without_nulls(document)
        if "scaleBy" in document:
            apps = self._apps_below(self.group_id(group_id))
            factor = float(document["scaleBy"])
            return self.scale({app.id: math.ceil(app.instances * factor) for app in apps}, force=force)
        groups: set[str] = set()
        wanted = self._collect({**document, "id": group_id}, "/", groups)
        if "apps" in document or "groups" in document:
            for app in self._apps_below(group_id):
                wanted.setdefault(app.id, None)
        deployment = self._agent.deployments.begin(wanted, force=force)
        self._state.groups |= groups - {"/"}
        self._agent.save()
        return deployment

    def remove_group(self, group_id: str, *, force: bool) -> Deployment:
        """Removes a group with everything in it."""
        group_id = self.group_id(group_id)
        wanted: dict[str, Json | None] = {app.id: None for app in self._apps_below(group_id)}
        deployment = self._agent.deployments.begin(wanted, force=force)
        prefix = group_id.rstrip("/") + "/"
        self._state.groups = {g for g in self._state.groups if g != group_id and not g.startswith(prefix)}
        self._agent.save()
        return deployment
