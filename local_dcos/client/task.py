"""`dcos task` and `dcos task log`."""

import fnmatch
import json
import sys
from typing import Any

from local_dcos.client import rest
from local_dcos.client.arguments import parse
from local_dcos.client.output import EMPTY, emit, table
from local_dcos.client.rest import ClientError

COMPLETED = frozenset(
    {
        "TASK_FINISHED",
        "TASK_KILLED",
        "TASK_FAILED",
        "TASK_LOST",
        "TASK_ERROR",
        "TASK_GONE",
        "TASK_DROPPED",
        "TASK_UNREACHABLE",
    }
)
LIST_USAGE = "dcos task [--all | --completed] [--json] [<task>]"
LOG_USAGE = "dcos task log [--all | --completed] [--follow] [--lines=N] [<task>] [<file>]"


def run(argv: list[str]) -> int:
    """Runs `dcos task …`."""
    if argv[:1] == ["log"]:
        return _log(argv[1:])
    return _list(argv[1:] if argv[:1] == ["list"] else argv)


def _state() -> Any:
    return rest.fetch("GET", "/mesos/master/state.json").json()


def _tasks(state: Any, pattern: str | None, *, completed: bool, every: bool) -> list[Any]:
    found = []
    for framework in [*state["completed_frameworks"], *state["frameworks"]]:
        tasks = [*framework["tasks"], *(framework["completed_tasks"] if completed or every else [])]
        for task in tasks:
            if completed and task["state"] not in COMPLETED:
                continue
            if pattern is None or pattern in task["id"] or fnmatch.fnmatchcase(task["id"], pattern):
                found.append(task)
    return found


def _list(argv: list[str]) -> int:
    found = parse(argv, LIST_USAGE, 0, 1)
    state = _state()
    tasks = _tasks(state, found.word(0), completed=found.has("--completed"), every=found.has("--all"))
    tasks.sort(key=lambda task: str(task["name"]))
    if found.has("--json"):
        emit(tasks)
        return 0
    hosts = {slave["id"]: slave["hostname"] for slave in state["slaves"]}
    users = {framework["id"]: framework["user"] for framework in state["frameworks"]}
    fields = {
        "NAME": lambda task: task["name"],
        "HOST": lambda task: hosts.get(task["slave_id"], EMPTY),
        "USER": lambda task: users[task["framework_id"]],
        "STATE": lambda task: task["state"].split("_")[-1][0],
        "ID": lambda task: task["id"],
        "MESOS ID": lambda task: task["slave_id"],
        "REGION": lambda task: EMPTY,
        "ZONE": lambda task: EMPTY,
    }
    emit(table(fields, tasks, left="NAME|HOST|ID|MESOS ID", sort="NAME"))
    return 0


def _log(argv: list[str]) -> int:
    found = parse(argv, LOG_USAGE, 0, 2)
    pattern, file = found.word(0), found.word(1) or "stdout"
    try:
        lines = int(found.options.get("--lines", "10"))
    except ValueError as error:
        raise ClientError("Error parsing string as int") from error
    task = _one(pattern, completed=found.has("--completed"), every=found.has("--all"))
    path = f"/system/v1/logs/v2/task/{task['id']}/file/{file}"
    if lines:
        path += f"?cursor=END&skip={-abs(lines)}"
    if found.has("--follow"):
        for data in rest.follow(path):
            _print_entry(data)
        return 0
    answer = rest.request("GET", path, headers={"Accept": "text/plain"})
    if answer.status == 404:
        raise ClientError("No files exist. Exiting.")
    if answer.status == 204:
        raise ClientError("No logs found")
    if answer.status != 200:
        raise ClientError(f"Error getting logs. Url: {answer.url};response code: {answer.status}")
    sys.stdout.write("".join(f"{line}\n" for line in answer.text.splitlines()))
    return 0


def _one(pattern: str | None, *, completed: bool, every: bool) -> Any:
    state = _state()
    tasks = _tasks(state, pattern, completed=completed, every=every)
    if not tasks:
        if not pattern:
            raise ClientError("No tasks found. Exiting.")
        ended = [] if completed else _tasks(state, pattern, completed=True, every=False)
        if ended:
            count = (
                "is 1 matching completed task"
                if len(ended) == 1
                else f"are {len(ended)} matching completed tasks"
            )
            raise ClientError(
                f"No running tasks match ID [{pattern}]; however, there {count}. "
                "Run with --completed to see these logs."
            )
        raise ClientError("No matching tasks. Exiting.")
    if len(tasks) > 1:
        ids = [task["id"] for task in tasks]
        raise ClientError(
            f"found more than one task with the same name: {ids}. Please provide a unique task name."
        )
    return tasks[0]


def _print_entry(data: str) -> None:
    try:
        line = str(json.loads(data)["fields"]["MESSAGE"])
    except (ValueError, KeyError, TypeError):
        line = data
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
