"""`dcos marathon …`: groups of sub-commands; those on apps are in their own module."""

import time
import urllib.parse
from typing import Any

from local_dcos.client import tables
from local_dcos.client.arguments import UsageError, parse
from local_dcos.client.output import emit
from local_dcos.client.rest import ClientError, marathon
from local_dcos.client.values import properties, resource, whole

USAGE = """dcos marathon about
    dcos marathon app add|kill|list|remove|restart|show|start|stop|update|version list ...
    dcos marathon debug details|list|summary ...
    dcos marathon deployment list|rollback|stop|watch ...
    dcos marathon group add|list|remove|scale|show|update ...
    dcos marathon ping [--once]
    dcos marathon task kill|list|show|stop ..."""


def path_of(name: str) -> str:
    """Returns an app's or group's id as a path for a URL."""
    return urllib.parse.quote("/" + name.strip("/"))


def forced(is_forced: bool) -> dict[str, str] | None:
    """Returns the query of --force."""
    return {"force": "true"} if is_forced else None


def run(argv: list[str]) -> int:
    """Runs `dcos marathon …`."""
    group, verb, rest = (argv[0] if argv else ""), (argv[1] if len(argv) > 1 else ""), argv[2:]
    if group == "app":
        from local_dcos.client import apps

        return apps.run(argv[1:])
    if group == "about" and len(argv) == 1:
        emit(marathon("GET", "v2/info").json())
        return 0
    if group == "ping":
        parse(argv[1:], "dcos marathon ping [--once]")
        emit(f"Marathon ping response[1x]: {marathon('GET', 'ping').text}")
        return 0
    handlers = {"debug": _debug, "deployment": _deployment, "group": _group, "task": _task}
    if group in handlers:
        return handlers[group](verb, rest)
    raise UsageError(USAGE)


def _debug(verb: str, argv: list[str]) -> int:
    if verb == "list":
        found = parse(argv, "dcos marathon debug list [--json]")
        queue = marathon("GET", "v2/queue").json()["queue"]
        emit(queue if found.has("--json") else tables.queue(queue))
        return 0
    if verb not in ("summary", "details"):
        raise UsageError("dcos marathon debug list|summary|details ...")
    found = parse(argv, f"dcos marathon debug {verb} [--json] <app-id>", 1)
    queue = marathon("GET", "v2/queue?embed=lastUnusedOffers").json()["queue"]
    item = next((one for one in queue if one["app"]["id"] == found.words[0]), None)
    if item is None:
        raise ClientError("No apps found in Marathon queue")
    shown = tables.queue_summary(item) if verb == "summary" else tables.queue_details(item)
    emit(item if found.has("--json") else shown)
    return 0


def _deployment(verb: str, argv: list[str]) -> int:
    if verb == "list":
        return _list_deployments(argv)
    if verb == "watch":
        return _watch(argv)
    if verb not in ("stop", "rollback"):
        raise UsageError("dcos marathon deployment list|rollback|stop|watch ...")
    name = parse(argv, f"dcos marathon deployment {verb} <deployment-id>", 1).words[0]
    answer = marathon("DELETE", f"v2/deployments/{name}", query=forced(verb == "stop"))
    if verb == "rollback":
        emit(answer.json())
    return 0


def _list_deployments(argv: list[str]) -> int:
    found = parse(argv, "dcos marathon deployment list [--json|--quiet|-q] [<app-id>]", 0, 1)
    deployments, name = marathon("GET", "v2/deployments").json(), found.word(0)
    if name is not None:
        deployments = [one for one in deployments if path_of(name) in one["affectedApps"]]
    if found.has("--json"):
        emit(deployments)
    elif not deployments:
        raise ClientError("There are no deployments" + (f" for '{name}'" if name else ""))
    elif found.has("--quiet") or found.has("-q"):
        for one in deployments:
            emit(one["id"])
    else:
        emit(tables.deployments(deployments))
    return 0


def _watch(argv: list[str]) -> int:
    usage = "dcos marathon deployment watch [--max-count=<n>] [--interval=<seconds>] <deployment-id>"
    found = parse(argv, usage, 1)
    left = whole(found.options["--max-count"]) if "--max-count" in found.options else None
    interval = whole(found.options.get("--interval", "1"))
    while left is None or left > 0:
        deployments = marathon("GET", "v2/deployments").json()
        current = next((one for one in deployments if one["id"] == found.words[0]), None)
        if current is None:
            return 0
        emit(f"Deployment update time: {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} \n")
        emit(current)
        time.sleep(interval)
        left = None if left is None else left - 1
    return 0


def _group(verb: str, argv: list[str]) -> int:
    if verb == "list":
        found = parse(argv, "dcos marathon group list [--json]")
        groups = marathon("GET", "v2/groups").json()["groups"]
        emit(groups if found.has("--json") else tables.groups(groups))
    elif verb == "show":
        name = parse(argv, "dcos marathon group show <group-id>", 1).words[0]
        emit(marathon("GET", f"v2/groups{path_of(name)}").json())
    elif verb == "add":
        _add_group(resource(parse(argv, "dcos marathon group add [<group-resource>]", 0, 1).word(0)))
    elif verb == "remove":
        found = parse(argv, "dcos marathon group remove [--force] <group-id>", 1)
        marathon("DELETE", f"v2/groups{path_of(found.words[0])}", query=forced(found.has("--force")))
    elif verb in ("update", "scale"):
        _change_group(verb, argv)
    else:
        raise UsageError("dcos marathon group add|list|remove|scale|show|update ...")
    return 0


def _add_group(document: Any) -> None:
    name = path_of(document["id"])
    try:
        marathon("GET", f"v2/groups{name}")
    except ClientError:
        emit(f"Created deployment {marathon('POST', 'v2/groups', document).json()['deploymentId']}")
    else:
        raise ClientError(f"Group '{name}' already exists")


def _change_group(verb: str, argv: list[str]) -> None:
    if verb == "scale":
        found = parse(argv, "dcos marathon group scale [--force] <group-id> <scale-factor>", 2)
        try:
            document: Any = {"scaleBy": float(found.words[1])}
        except ValueError as error:
            raise ClientError("Error parsing string as float") from error
    else:
        found = parse(argv, "dcos marathon group update [--force] <group-id> [<properties>...]", 1, -1)
        marathon("GET", f"v2/groups{path_of(found.words[0])}")
        document = properties(found.words[1:])
    path, query = f"v2/groups{path_of(found.words[0])}", forced(found.has("--force"))
    emit(f"Created deployment {marathon('PUT', path, document, query=query).json()['deploymentId']}")


def _task(verb: str, argv: list[str]) -> int:
    if verb == "list":
        found = parse(argv, "dcos marathon task list [--json|--quiet|-q] [<app-id>]", 0, 1)
        tasks, name = marathon("GET", "v2/tasks").json()["tasks"], found.word(0)
        if name is not None:
            tasks = [task for task in tasks if task["appId"] == path_of(name)]
        if found.has("--quiet") or found.has("-q"):
            for task in tasks:
                emit(task["id"])
        else:
            emit(tasks if found.has("--json") else tables.tasks(tasks))
    elif verb == "show":
        name = parse(argv, "dcos marathon task show <task-id>", 1).words[0]
        emit(_only(name, marathon("GET", "v2/tasks").json()["tasks"]))
    elif verb == "stop":
        name = parse(argv, "dcos marathon task stop [--wipe] <task-id>", 1).words[0]
        emit(_only(name, marathon("POST", "v2/tasks/delete", {"ids": [name]}).json()["tasks"]))
    elif verb == "kill":
        _kill(argv)
    else:
        raise UsageError("dcos marathon task kill|list|show|stop ...")
    return 0


def _only(name: str, tasks: list[Any]) -> Any:
    task = next((one for one in tasks if one["id"] == name), None)
    if task is None:
        raise ClientError(f"Task '{name}' does not exist")
    return task


def _kill(argv: list[str]) -> None:
    found = parse(argv, "dcos marathon task kill [--scale] [--wipe] [--json] [<task-ids>...]", 0, -1)
    query = {"scale": "True"} if found.has("--scale") else None
    answer = marathon("POST", "v2/tasks/delete", {"ids": found.words}, query=query).json()
    if found.has("--json"):
        emit(answer)
    elif found.has("--scale"):
        emit(f"Created deployment: {answer['deploymentId']}")
    else:
        emit(f"Killed tasks: {[task['id'] for task in answer['tasks']]}")
    if not found.has("--scale") and not answer["tasks"]:
        raise ClientError("Failed to kill tasks. task-ids seems to be unknown")
