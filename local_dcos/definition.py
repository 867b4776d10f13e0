"""Checking app definitions: the shape, then Marathon's rules that no schema catches."""

import re
from collections.abc import Iterator
from typing import Any

from local_dcos import schema
from local_dcos.errors import ApiError
from local_dcos.model import Json

READ_ONLY = frozenset(
    {
        "tasks",
        "tasksStaged",
        "tasksRunning",
        "tasksHealthy",
        "tasksUnhealthy",
        "deployments",
        "lastTaskFailure",
        "versionInfo",
        "version",
        "taskStats",
        "readinessCheckResults",
        "uris",
        "storeUrls",
    }
)
# A task's id begins with it, and is the name of a folder: 255 characters at most.
LONGEST_ID = 200
_SEGMENT = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\.\.?")
_ROOT_ID_RULE = (
    "must consist of lower-case letters, digits, dots and hyphens, and not begin or end with a hyphen"
)


def absolute_id(app_id: str, base: str = "/") -> str:
    """Returns `app_id` as an absolute path below `base`, without a slash at its end."""
    joined = app_id if app_id.startswith("/") else f"{base.rstrip('/')}/{app_id}"
    parts: list[str] = []
    for part in joined.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def without_read_only(document: Json) -> Json:
    """Drops what only the server says, so that a definition read from it can be sent back."""
    return {key: value for key, value in document.items() if key not in READ_ONLY and value is not None}


def without_nulls(value: Any) -> Any:
    """Drops what is null, at every level: it is as if left out."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def check_shape(document: Any, shape: Any = schema.APP) -> None:
    """Raises the 422 that names every wrong key and type."""
    refuse(list(schema.problems(document, shape)))


def check_group_id(group_id: str) -> None:
    """Raises the 422 that names what is wrong with the absolute id of a group."""
    refuse(list(_path("/id", group_id)))


def check_rules(definition: Json) -> None:
    """Raises the 422 that names every broken rule; `definition` has its defaults filled in."""
    refuse(list(rule_problems(definition)))


def refuse(found: list[schema.Problem]) -> None:
    """Raises the 422 that names every problem found; nothing when there is none."""
    if found:
        paths: dict[str, list[str]] = {}
        for path, error in found:
            paths.setdefault(path, []).append(error)
        details = [{"path": path, "errors": errors} for path, errors in paths.items()]
        raise ApiError(422, "Object is not valid", {"details": details})


def rule_problems(app: Json) -> Iterator[schema.Problem]:
    """Yields (path, error) for each of Marathon's semantic rules that `app` breaks."""
    yield from _identity(app)
    yield from _command(app)
    yield from _network(app)
    yield from _checks(app)
    yield from _strategies(app)
    yield from _secrets(app)


def _identity(app: Json) -> Iterator[schema.Problem]:
    if app["id"] == "/":
        yield "/id", "must not be empty"
    yield from _path("/id", app["id"])


def _path(path: str, absolute: str) -> Iterator[schema.Problem]:
    if len(absolute) > LONGEST_ID:
        yield path, f"must have at most {LONGEST_ID} characters"
    for part in filter(None, absolute.split("/")):
        if not _SEGMENT.fullmatch(part):
            yield path, f"'{part[:LONGEST_ID]}' is not a valid path segment: it {_ROOT_ID_RULE}"


def _command(app: Json) -> Iterator[schema.Problem]:
    has_image = bool(app.get("container", {}).get("docker", {}).get("image"))
    if app.get("cmd") and app.get("args"):
        yield "/", "AppDefinition must contain at most one of 'cmd' and 'args'"
    if not app.get("cmd") and not app.get("args") and not has_image:
        yield "/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."


def _network(app: Json) -> Iterator[schema.Problem]:
    modes = [network.get("mode", "container") for network in app["networks"]]
    mappings = app.get("container", {}).get("portMappings")
    if "host" in modes and len(modes) > 1:
        yield "/networks", "Host networking can't be combined with another network"
    if "host" in modes and mappings:
        yield (
            "/container/portMappings",
            "portMappings are not allowed with host networking; use portDefinitions",
        )
    if "host" not in modes and app.get("portDefinitions"):
        yield "/portDefinitions", "portDefinitions are only allowed with host networking; use portMappings"
    key = "portDefinitions" if "host" in modes else "container/portMappings"
    ports = (app.get("portDefinitions") if "host" in modes else mappings) or []
    for field in ("name",) if "host" not in modes else ("name", "port"):
        values = [port.get(field) for port in ports if port.get(field)]
        for value in {value for value in values if values.count(value) > 1}:
            yield f"/{key}", f"{field} '{value}' is used more than once"


def _port_count(app: Json) -> int:
    ports = app.get("portDefinitions") or app.get("container", {}).get("portMappings") or []
    return len(ports)


def _checks(app: Json) -> Iterator[schema.Problem]:
    network_checks = 0
    for index, check in enumerate(app["healthChecks"]):
        path, protocol = f"/healthChecks({index})", check["protocol"]
        network_checks += protocol.startswith("MESOS_")
        if protocol == "COMMAND":
            if not check.get("command", {}).get("value"):
                yield f"{path}/command", "a COMMAND check needs command.value"
        elif "port" not in check and check.get("portIndex", 0) >= _port_count(app):
            yield f"{path}/portIndex", f"port index {check.get('portIndex', 0)} does not exist"
    if network_checks > 1:
        yield "/healthChecks", "AppDefinition can contain at most one Mesos health check"
    if len(app.get("readinessChecks", [])) > 1:
        yield "/readinessChecks", "AppDefinition can contain at most one readiness check"
    names = [port.get("name") for port in app.get("portDefinitions") or []]
    names += [port.get("name") for port in app.get("container", {}).get("portMappings") or []]
    for index, check in enumerate(app.get("readinessChecks", [])):
        if check["timeoutSeconds"] >= check["intervalSeconds"]:
            yield f"/readinessChecks({index})/timeoutSeconds", "must be less than intervalSeconds"
        if check["portName"] not in names:
            yield f"/readinessChecks({index})/portName", f"no port is named '{check['portName']}'"


def _strategies(app: Json) -> Iterator[schema.Problem]:
    strategy = app["upgradeStrategy"]
    if app["labels"].get("MARATHON_SINGLE_INSTANCE_APP"):
        if app["instances"] > 1:
            yield "/instances", "an app with MARATHON_SINGLE_INSTANCE_APP can have at most one instance"
        for key in ("minimumHealthCapacity", "maximumOverCapacity"):
            if strategy[key] != 0:
                yield f"/upgradeStrategy/{key}", "must be 0 for an app with MARATHON_SINGLE_INSTANCE_APP"
    unreachable = app["unreachableStrategy"]
    if isinstance(unreachable, dict):
        inactive, expunge = (unreachable[key] for key in ("inactiveAfterSeconds", "expungeAfterSeconds"))
        if inactive > expunge:
            yield "/unreachableStrategy/inactiveAfterSeconds", "must be at most expungeAfterSeconds"
    for index, constraint in enumerate(app["constraints"]):
        operators = ("UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS")
        if len(constraint) not in (2, 3) or constraint[1] not in operators:
            yield f"/constraints({index})", "is not a valid constraint"


def _secrets(app: Json) -> Iterator[schema.Problem]:
    for name, value in app["env"].items():
        if isinstance(value, dict) and value.get("secret") not in app["secrets"]:
            yield f"/env/{name}", f"references an undeclared secret '{value.get('secret')}'"
    for name, secret in app["secrets"].items():
        if not secret.get("source"):
            yield f"/secrets/{name}/source", "error.path.missing"
