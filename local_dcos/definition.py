"""Checking app definitions: their shape first, then Marathon's rules, which no schema can express."""

import re
from collections.abc import Iterator
from typing import Any

from local_dcos.errors import ApiError
from local_dcos.model import Json
from local_dcos.schema import APP, Problem

# Keys that only the server writes. Clients may send back what they read.
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
# A task's id begins with the app's id and names a folder. File systems allow 255 characters.
MAX_ID_LENGTH = 200
_SEGMENT = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def absolute_id(app_id: str) -> str:
    """Returns `app_id` with a slash before it, none after it, and without "." and ".."."""
    parts: list[str] = []
    for part in app_id.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def cleaned(document: Json) -> Json:
    """Returns a definition without read-only keys and without nulls.

    Raises:
        ApiError: 422, naming every value of the wrong shape.
    """
    result: Json = _without_nulls({key: item for key, item in document.items() if key not in READ_ONLY})
    refuse(APP.problems(result))
    return result


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def refuse(problems: list[Problem]) -> None:
    """Raises the 422 that lists the problems by their paths, if there are any."""
    if problems:
        paths: dict[str, list[str]] = {}
        for path, error in problems:
            paths.setdefault(path, []).append(error)
        details = [{"path": path, "errors": errors} for path, errors in paths.items()]
        raise ApiError(422, "Object is not valid", {"details": details})


def check_rules(app: Json) -> None:
    """Checks a definition of the right shape, with its defaults.

    Raises:
        ApiError: 422, naming every rule that it breaks.
    """
    rules = (_id, _command, _network, _checks, _single, _unreachable, _secrets)
    refuse([problem for rule in rules for problem in rule(app)])


def port_list(app: Json) -> list[Json]:
    """Returns the ports that a definition declares, whichever network it uses."""
    ports: list[Json] = app.get("portDefinitions") or app.get("container", {}).get("portMappings") or []
    return ports


def _id(app: Json) -> Iterator[Problem]:
    if app["id"] == "/":
        yield "/id", "must not be empty"
    if len(app["id"]) > MAX_ID_LENGTH:
        yield "/id", f"must have at most {MAX_ID_LENGTH} characters"
    for part in filter(None, app["id"].split("/")):
        if not _SEGMENT.fullmatch(part):
            shown = part[:MAX_ID_LENGTH]
            yield "/id", f"'{shown}' is not valid: use lower-case letters, digits, and dots or hyphens inside"


def _command(app: Json) -> Iterator[Problem]:
    if app.get("cmd") and app.get("args"):
        yield "/", "AppDefinition must contain at most one of 'cmd' and 'args'"
    if not app.get("cmd") and not app.get("args") and not app.get("container", {}).get("docker"):
        yield "/", "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'."


def _network(app: Json) -> Iterator[Problem]:
    modes = [network["mode"] for network in app["networks"]]
    mappings = app.get("container", {}).get("portMappings")
    if "host" in modes and len(modes) > 1:
        yield "/networks", "Host networking can't be combined with another network"
    if "host" in modes and mappings:
        path = "/container/portMappings"
        yield path, "portMappings are not allowed with host networking; use portDefinitions"
    if "host" not in modes and app.get("portDefinitions"):
        yield "/portDefinitions", "portDefinitions are only allowed with host networking; use portMappings"
    path = "/portDefinitions" if "host" in modes else "/container/portMappings"
    for field in ("name", "port"):
        values = [port.get(field) for port in port_list(app) if port.get(field)]
        for value in {value for value in values if values.count(value) > 1}:
            yield path, f"{field} '{value}' is used more than once"


def _checks(app: Json) -> Iterator[Problem]:
    ports, mesos_checks = port_list(app), 0
    for index, check in enumerate(app["healthChecks"]):
        path, protocol = f"/healthChecks({index})", check["protocol"]
        mesos_checks += protocol.startswith("MESOS_")
        if protocol == "COMMAND":
            command = check.get("command", {}).get("value")
            if not command or not isinstance(command, str):
                yield f"{path}/command", "a COMMAND check needs command.value"
        elif "port" not in check and check["portIndex"] >= len(ports):
            yield f"{path}/portIndex", f"port index {check['portIndex']} does not exist"
    if mesos_checks > 1:
        yield "/healthChecks", "AppDefinition can contain at most one Mesos health check"


def _single(app: Json) -> Iterator[Problem]:
    if app["labels"].get("MARATHON_SINGLE_INSTANCE_APP") != "true":
        return
    if app["instances"] > 1:
        yield "/instances", "an app with MARATHON_SINGLE_INSTANCE_APP can have at most one instance"
    for key in ("minimumHealthCapacity", "maximumOverCapacity"):
        if app["upgradeStrategy"][key] != 0:
            yield f"/upgradeStrategy/{key}", "must be 0 for an app with MARATHON_SINGLE_INSTANCE_APP"


def _unreachable(app: Json) -> Iterator[Problem]:
    strategy = app["unreachableStrategy"]
    if isinstance(strategy, dict) and strategy["inactiveAfterSeconds"] > strategy["expungeAfterSeconds"]:
        yield "/unreachableStrategy/inactiveAfterSeconds", "must be at most expungeAfterSeconds"


def _secrets(app: Json) -> Iterator[Problem]:
    for name, value in app["env"].items():
        if isinstance(value, dict) and value["secret"] not in app["secrets"]:
            yield f"/env/{name}", f"references an undeclared secret '{value['secret']}'"
