"""`dcos task log`."""

import fnmatch
import json
import sys
from typing import Any

from local_dcos.client import rest
from local_dcos.client.arguments import parse
from local_dcos.client.rest import ClientError

USAGE = "dcos task log [--all | --completed] [--follow] [--lines=N] <task> [<file>]"


def log(argv: list[str]) -> None:
    """Prints the end of a log of the one task that the given name or pattern matches."""
    found = parse(argv, USAGE, 1, 2)
    pattern, file = found.words[0], found.word(1) or "stdout"
    try:
        lines = int(found.options.get("--lines", "10"))
    except ValueError as error:
        raise ClientError("Error parsing string as int") from error
    task = _one(
        pattern, running=not found.has("--completed"), ended=found.has("--all") or found.has("--completed")
    )
    path = f"/system/v1/logs/v2/task/{task}/file/{file}"
    if lines:
        path += f"?cursor=END&skip={-abs(lines)}"
    if found.has("--follow"):
        for data in rest.follow(path):
            sys.stdout.write(json.loads(data)["fields"]["MESSAGE"] + "\n")
            sys.stdout.flush()
        return
    answer = rest.request("GET", path, headers={"Accept": "text/plain"})
    if answer.status == 404:
        raise ClientError("No files exist. Exiting.")
    if answer.status == 204:
        raise ClientError("No logs found")
    if answer.status != 200:
        raise ClientError(f"Error getting logs. Url: {answer.url};response code: {answer.status}")
    sys.stdout.write("".join(f"{line}\n" for line in answer.text.splitlines()))


def _one(pattern: str, *, running: bool, ended: bool) -> str:
    """Returns the id of the only task that matches."""
    frameworks = rest.request("GET", "/mesos/master/state.json").checked().json()["frameworks"]
    current, past = (_matching(frameworks, key, pattern) for key in ("tasks", "completed_tasks"))
    tasks = [*(current if running else []), *(past if ended else [])]
    if len(tasks) == 1:
        return tasks[0]
    if tasks:
        raise ClientError(
            f"found more than one task with the same name: {tasks}. Please provide a unique task name."
        )
    if past:
        count = (
            "is 1 matching completed task" if len(past) == 1 else f"are {len(past)} matching completed tasks"
        )
        raise ClientError(
            f"No running tasks match ID [{pattern}]; however, there {count}. "
            "Run with --completed to see these logs."
        )
    raise ClientError("No matching tasks. Exiting.")


def _matching(frameworks: list[dict[str, Any]], key: str, pattern: str) -> list[str]:
    ids = [str(task["id"]) for framework in frameworks for task in framework[key]]
    return [one for one in ids if pattern in one or fnmatch.fnmatchcase(one, pattern)]


COMMANDS = {"log": log}
