"""`dcos marathon …`."""

import urllib.parse
from typing import Any

from local_dcos.client.arguments import parse
from local_dcos.client.documents import read_json
from local_dcos.client.output import emit
from local_dcos.client.rest import ClientError, marathon


def absolute(name: str) -> str:
    """Returns an app's id with a slash before it and none after it."""
    return "/" + name.strip("/")


def _app_path(name: str) -> str:
    return f"v2/apps{urllib.parse.quote(absolute(name))}"


def _app(name: str) -> Any:
    return marathon("GET", _app_path(name)).json()["app"]


def about(argv: list[str]) -> None:
    """Prints Marathon's name and version."""
    parse(argv, "dcos marathon about")
    emit(marathon("GET", "v2/info").json())


def add(argv: list[str]) -> None:
    """Creates the app whose definition is in a file or on stdin."""
    document = read_json(parse(argv, "dcos marathon app add [<app-resource>]", 0, 1).word(0))
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise ClientError("The application has no id")
    try:
        _app(document["id"])
    except ClientError:
        deployments = marathon("POST", "v2/apps", document).json()["deployments"]
        emit(f"Created deployment {deployments[0]['id']}")
        return
    raise ClientError(f"Application '{absolute(document['id'])}' already exists")


def list_apps(argv: list[str]) -> None:
    """Prints every app."""
    parse(argv, "dcos marathon app list [--json]")
    emit(marathon("GET", "v2/apps").json()["apps"])


def show(argv: list[str]) -> None:
    """Prints one app."""
    emit(_app(parse(argv, "dcos marathon app show <app-id>", 1).words[0]))


def update(argv: list[str]) -> None:
    """Replaces the keys of an app that the JSON on stdin names."""
    found = parse(argv, "dcos marathon app update [--force] <app-id>", 1)
    name = found.words[0]
    _app(name)
    answer = marathon("PUT", _app_path(name), read_json(None), force=found.has("--force")).json()
    emit(f"Created deployment {answer['deploymentId']}")


def remove(argv: list[str]) -> None:
    """Removes an app."""
    found = parse(argv, "dcos marathon app remove [--force] <app-id>", 1)
    marathon("DELETE", _app_path(found.words[0]), force=found.has("--force"))


def list_queue(argv: list[str]) -> None:
    """Prints the apps that wait to launch."""
    parse(argv, "dcos marathon debug list [--json]")
    emit(marathon("GET", "v2/queue").json()["queue"])


def summary(argv: list[str]) -> None:
    """Prints what one app waits for."""
    name = absolute(parse(argv, "dcos marathon debug summary [--json] <app-id>", 1).words[0])
    queue = marathon("GET", "v2/queue?embed=lastUnusedOffers").json()["queue"]
    item = next((each for each in queue if each["app"]["id"] == name), None)
    if item is None:
        raise ClientError("No apps found in Marathon queue")
    emit(item)


def list_deployments(argv: list[str]) -> None:
    """Prints the deployments that have not ended."""
    parse(argv, "dcos marathon deployment list [--json]")
    emit(marathon("GET", "v2/deployments").json())


def list_tasks(argv: list[str]) -> None:
    """Prints the tasks of one app, or of all."""
    name = parse(argv, "dcos marathon task list [--json] [<app-id>]", 0, 1).word(0)
    tasks = marathon("GET", "v2/tasks").json()["tasks"]
    emit([task for task in tasks if name is None or task["appId"] == absolute(name)])


def add_group(argv: list[str]) -> None:
    """Adds the group whose definition is in a file or on stdin."""
    document = read_json(parse(argv, "dcos marathon group add [<group-resource>]", 0, 1).word(0))
    answer = marathon("POST", "v2/groups", document).json()
    emit(f"Created deployment {answer['deploymentId']}")


def list_groups(argv: list[str]) -> None:
    """Prints the groups at the top level."""
    parse(argv, "dcos marathon group list [--json]")
    emit(marathon("GET", "v2/groups").json()["groups"])


def update_group(argv: list[str]) -> None:
    """Replaces the keys of a group that the JSON on stdin names."""
    found = parse(argv, "dcos marathon group update [--force] <group-id>", 1)
    path = f"v2/groups{absolute(found.words[0])}"
    emit(f"Created deployment {marathon('PUT', path, read_json(None)).json()['deploymentId']}")


def remove_group(argv: list[str]) -> None:
    """Removes a group with its apps."""
    found = parse(argv, "dcos marathon group remove [--force] <group-id>", 1)
    marathon("DELETE", f"v2/groups{absolute(found.words[0])}", force=found.has("--force"))


COMMANDS = {
    "about": about,
    "app add": add,
    "app list": list_apps,
    "app remove": remove,
    "app show": show,
    "app update": update,
    "debug list": list_queue,
    "debug summary": summary,
    "deployment list": list_deployments,
    "group add": add_group,
    "group list": list_groups,
    "group remove": remove_group,
    "group update": update_group,
    "task list": list_tasks,
}
