"""`dcos job …`."""

import urllib.parse
from typing import Any

from local_dcos.client.arguments import parse
from local_dcos.client.documents import read_json
from local_dcos.client.output import emit
from local_dcos.client.rest import ClientError, metronome

_EMBEDDED = "embed=activeRuns&embed=schedules&embed="


def _path(job_id: str) -> str:
    return f"v1/jobs/{urllib.parse.quote(job_id, safe='')}"


def _definition(name: str) -> Any:
    document = read_json(name)
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        raise ClientError("Jobs JSON requires an ID.")
    # The real client sends schedules with a request of their own.
    document.pop("schedules", None)
    return document


def add(argv: list[str]) -> None:
    """Creates the job whose definition is in a file."""
    metronome("POST", "v1/jobs", _definition(parse(argv, "dcos job add <job-file>", 1).words[0]))


def update(argv: list[str]) -> None:
    """Replaces a job by the definition in a file."""
    document = _definition(parse(argv, "dcos job update <job-file>", 1).words[0])
    metronome("PUT", _path(document["id"]), document)


def remove(argv: list[str]) -> None:
    """Removes a job."""
    found = parse(argv, "dcos job remove [--stop-current-job-runs] <job-id>", 1)
    flag = "?stopCurrentJobRuns=true" if found.has("--stop-current-job-runs") else ""
    try:
        metronome("DELETE", _path(found.words[0]) + flag)
    except ClientError as error:
        raise ClientError(f"Unable to remove '{found.words[0]}'. {error}.") from error


def show(argv: list[str]) -> None:
    """Prints the definition of a job."""
    emit(metronome("GET", _path(parse(argv, "dcos job show <job-id>", 1).words[0])).json())


def list_jobs(argv: list[str]) -> None:
    """Prints every job."""
    parse(argv, "dcos job list [--json]")
    emit(metronome("GET", f"v1/jobs?{_EMBEDDED}historySummary").json())


def history(argv: list[str]) -> None:
    """Prints the runs of a job that succeeded, or those that failed."""
    found = parse(argv, "dcos job history [--json] [--failures | --show-failures] <job-id>", 1)
    runs = metronome("GET", f"{_path(found.words[0])}?{_EMBEDDED}history").json()["history"]
    failures = found.has("--failures") or found.has("--show-failures")
    emit(runs["failedFinishedRuns" if failures else "successfulFinishedRuns"])


def start(argv: list[str]) -> None:
    """Starts a run of a job."""
    found = parse(argv, "dcos job run [--json] <job-id>", 1)
    run = metronome("POST", f"{_path(found.words[0])}/runs").json()
    emit(run if found.has("--json") else f"Run ID: {run['id']}")


def kill(argv: list[str]) -> None:
    """Kills a run of a job."""
    job_id, run_id = parse(argv, "dcos job kill <job-id> <run-id>", 2).words
    try:
        metronome("POST", f"{_path(job_id)}/runs/{urllib.parse.quote(run_id, safe='')}/actions/stop")
    except ClientError as error:
        raise ClientError(f"Unable stop run ID '{run_id}' for job ID '{job_id}'") from error
    emit(f"Run '{run_id}' for job '{job_id}' killed.")


COMMANDS = {
    "add": add,
    "history": history,
    "kill": kill,
    "list": list_jobs,
    "remove": remove,
    "run": start,
    "show": show,
    "update": update,
}
