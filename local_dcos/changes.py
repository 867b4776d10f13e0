"""The changes that clients ask of apps: each is checked and becomes a deployment."""

from local_dcos import defaults, definition
from local_dcos.agent import Agent
from local_dcos.errors import ApiError
from local_dcos.model import App, Deployment, Json

# Sending one key takes the other away.
_ALTERNATIVES = {"cmd": "args", "args": "cmd", "ports": "portDefinitions", "portDefinitions": "ports"}


class Changes:
    """Creates, updates, restarts, scales and removes apps."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._state = agent.state

    def app(self, app_id: str) -> App:
        """Returns an app.

        Raises:
            ApiError: 404 if there is no such app.
        """
        app = self._state.apps.get(definition.absolute_id(app_id))
        if app is None:
            raise ApiError(404, f"App '{definition.absolute_id(app_id)}' does not exist")
        return app

    def create(self, document: Json, *, force: bool = False) -> tuple[App, Deployment]:
        """Creates an app.

        Raises:
            ApiError: 409 if the app exists, 422 if the definition is wrong.
        """
        full = self._complete(definition.cleaned(document))
        app = self._state.apps.get(full["id"])
        if app is not None and not app.deleting:
            raise ApiError(409, f"An app with id [{full['id']}] already exists.")
        deployment = self._agent.deployments.begin(full["id"], full, force=force)
        return self._state.apps[full["id"]], deployment

    def update(self, app_id: str, document: Json, *, force: bool) -> Deployment:
        """Replaces the keys of an app that `document` names. Creates the app if it does not exist.

        A document with nothing but a `version` brings that version of the app back.
        """
        app_id = definition.absolute_id(app_id)
        full = self._merged(app_id, {"id": app_id, **document})
        return self._agent.deployments.begin(app_id, full, force=force)

    def restart(self, app_id: str, *, force: bool) -> Deployment:
        """Replaces every task of an app."""
        app = self.app(app_id)
        return self._agent.deployments.begin(app.id, app.definition, force=force, restart=True)

    def remove(self, app_id: str, *, force: bool) -> Deployment:
        """Removes an app and its tasks."""
        return self._agent.deployments.begin(self.app(app_id).id, None, force=force)

    def scale(self, app_id: str, instances: int) -> Deployment:
        """Changes the number of instances of an app, even if a deployment locks it."""
        return self.update(app_id, {"instances": instances}, force=True)

    def _complete(self, document: Json, role: str | None = None) -> Json:
        """Returns a clean definition with its defaults, if it breaks no rule. role: the app's own."""
        document["id"] = definition.absolute_id(document["id"])
        top = document["id"].split("/")[1]
        enforced = bool(self._state.groups.get(f"/{top}", {}).get("enforceRole"))
        if enforced:
            document.setdefault("role", top)
        full = defaults.fill(document, self._agent.service_port)
        definition.check_rules(full)
        # Another role would evade the quota of the group's, or use up that of another group.
        roles = [top] if enforced else [defaults.ROLE, top]
        if full["role"] not in (*roles, role):
            definition.refuse([("/role", f"must be {' or '.join(roles)}")])
        return full

    def _merged(self, app_id: str, document: Json) -> Json:
        """Returns the definition of an app with the keys that `document` names."""
        app, version = self._state.apps.get(app_id), document.get("version")
        if app is not None and isinstance(version, str) and set(document) == {"version", "id"}:
            return version_of(app, version)
        document = definition.cleaned(document)
        if definition.absolute_id(document["id"]) != app_id:
            definition.refuse([("/id", f"must be {app_id}")])
        if app is None:
            return self._complete(document)
        before = {key: value for key, value in app.definition.items() if key != "version"}
        for key, other in _ALTERNATIVES.items():
            if key in document and other not in document:
                before.pop(other, None)
        if "networks" in document or "container" in document:
            # Each kind of network has ports of its own. The old ones go with the old network.
            networks = document.get("networks")
            if "portDefinitions" not in document and (networks or [{}])[0].get("mode") != "host":
                before.pop("portDefinitions", None)
            if networks is None and "portMappings" in document.get("container", {}):
                before.pop("networks", None)
        return self._complete({**before, **_with_assigned_ports(before, document)}, app.definition["role"])


def version_of(app: App, version: str) -> Json:
    """Returns the definition that an app had.

    Raises:
        ApiError: 404 if the app does not have this version.
    """
    if version not in app.versions:
        raise ApiError(404, f"App '{app.id}' does not have the version '{version}'")
    return app.versions[version]


def _with_assigned_ports(before: Json, document: Json) -> Json:
    """Keeps the service ports that were assigned before: to send 0 again is no change."""
    old, new = before.get("portDefinitions", []), document.get("portDefinitions")
    if not new or len(old) != len(new):
        return document
    pairs = zip(old, new, strict=True)
    kept = [{**port, "port": port.get("port") or assigned["port"]} for assigned, port in pairs]
    return {**document, "portDefinitions": kept}
