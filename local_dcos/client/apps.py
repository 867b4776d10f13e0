"""`dcos marathon app …`."""

from typing import Any

from local_dcos.client import tables
from local_dcos.client.arguments import UsageError, parse
from local_dcos.client.marathon import forced, path_of
from local_dcos.client.output import emit
from local_dcos.client.rest import ClientError, marathon
from local_dcos.client.values import properties, resource, whole

USAGE = "dcos marathon app add|kill|list|remove|restart|show|start|stop|update|version list ..."


def run(argv: list[str]) -> int:
    """Runs `dcos marathon app …`."""
    verb, rest = (argv[0] if argv else ""), argv[1:]
    if verb == "version" and rest[:1] == ["list"]:
        return _versions(rest[1:])
    handlers = {
        "add": _add,
        "kill": _kill,
        "list": _list,
        "remove": _remove,
        "restart": _restart,
        "show": _show,
        "start": _start,
        "stop": _stop,
        "update": _update,
    }
    if verb not in handlers:
        raise UsageError(USAGE)
    return handlers[verb](rest)


def _get(name: str) -> Any:
    return marathon("GET", f"v2/apps{path_of(name)}").json()["app"]


def _put(name: str, document: Any, *, force: bool) -> None:
    answer = marathon("PUT", f"v2/apps{path_of(name)}", document, query=forced(force)).json()
    emit(f"Created deployment {answer['deploymentId']}")


def _add(argv: list[str]) -> int:
    document = resource(parse(argv, "dcos marathon app add [<app-resource>]", 0, 1).word(0))
    if not isinstance(document, dict) or "id" not in document:
        raise ClientError("The application has no id")
    name = path_of(document["id"])
    try:
        _get(name)
    except ClientError:
        deployments = marathon("POST", "v2/apps", document).json()["deployments"]
        emit(f"Created deployment {deployments[0]['id']}")
        return 0
    raise ClientError(f"Application '{name}' already exists")


def _list(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app list [--json|--quiet|-q]")
    apps = marathon("GET", "v2/apps").json()["apps"]
    if found.has("--quiet") or found.has("-q"):
        for app in apps:
            emit(app["id"])
        return 0
    if found.has("--json"):
        emit(apps)
        return 0
    deployments = marathon("GET", "v2/deployments").json()
    queue = marathon("GET", "v2/queue").json()["queue"]
    overdue = {item["app"]["id"]: item["delay"]["overdue"] for item in queue}
    for app in apps:
        app["overdue"] = overdue.get(app["id"], False)
    emit(tables.apps(apps, deployments))
    return 0


def _show(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app show [--app-version=<app-version>] <app-id>", 1)
    name, version = found.words[0], found.options.get("--app-version")
    if version is None:
        emit(_get(name))
        return 0
    emit(marathon("GET", f"v2/apps{path_of(name)}/versions/{_version(name, version)}").json())
    return 0


def _version(name: str, version: str) -> str:
    """Returns an absolute version; "-1" is the one before the current."""
    try:
        steps = -int(version)
    except ValueError:
        return version
    if steps <= 0:
        raise ClientError(f"Relative versions must be negative: {version}")
    versions = marathon("GET", f"v2/apps{path_of(name)}/versions").json()["versions"][: steps + 1]
    if len(versions) <= steps:
        raise ClientError(f"Application {name!r} only has {len(versions)!r} version(s).")
    return str(versions[steps])


def _versions(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app version list [--max-count=<max-count>] <app-id>", 1)
    count = whole(found.options["--max-count"]) if "--max-count" in found.options else None
    if count is not None and count <= 0:
        raise ClientError(f"Maximum count must be a positive number: {count}")
    emit(marathon("GET", f"v2/apps{path_of(found.words[0])}/versions").json()["versions"][:count])
    return 0


def _update(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app update [--force] <app-id> [<properties>...]", 1, -1)
    _get(found.words[0])
    _put(found.words[0], properties(found.words[1:]), force=found.has("--force"))
    return 0


def _start(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app start [--force] <app-id> [<instances>]", 1, 2)
    name, running = found.words[0], _get(found.words[0])["instances"]
    if running > 0:
        emit(f"Application {name!r} already started: {running!r} instances.")
        return 1
    instances = whole(found.word(1) or "1")
    if instances <= 0:
        emit(f"The number of instances must be positive: {instances!r}.")
        return 1
    _put(name, {"id": path_of(name), "instances": instances}, force=found.has("--force"))
    return 0


def _stop(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app stop [--force] <app-id>", 1)
    name, running = found.words[0], _get(found.words[0])["instances"]
    if running <= 0:
        emit(f"Application {name!r} already stopped: {running!r} instances.")
        return 1
    _put(name, {"instances": 0}, force=found.has("--force"))
    return 0


def _restart(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app restart [--force] <app-id>", 1)
    name = path_of(found.words[0])
    if _get(name)["instances"] <= 0:
        emit(f"Unable to perform rolling restart of application {name!r} because it has no running tasks")
        return 1
    answer = marathon("POST", f"v2/apps{name}/restart", query=forced(found.has("--force"))).json()
    emit(f"Created deployment {answer['deploymentId']}")
    return 0


def _remove(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app remove [--force] <app-id>", 1)
    marathon("DELETE", f"v2/apps{path_of(found.words[0])}", query=forced(found.has("--force")))
    return 0


def _kill(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon app kill [--scale] [--host=<host>] <app-id>", 1)
    query = {"host": found.options["--host"]} if "--host" in found.options else {}
    if found.has("--scale"):
        query["scale"] = "True"
    answer = marathon("DELETE", f"v2/apps{path_of(found.words[0])}/tasks", query=query).json()
    if found.has("--scale"):
        emit(f"Started deployment: {answer}")
        return 0
    emit(f"Killed tasks: {answer.get('tasks', [])}")
    return 0 if answer.get("tasks") else 1
