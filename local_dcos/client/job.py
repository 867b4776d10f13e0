"""`dcos job …`."""

import json
from pathlib import Path
from typing import Any

from local_dcos.client.arguments import UsageError, parse
from local_dcos.client.output import emit, table
from local_dcos.client.rest import ClientError, metronome

USAGE = "dcos job add|history|kill|list|remove|run|show|show runs|update ..."
_EMBEDDED = "embed=activeRuns&embed=schedules&embed="


def run(argv: list[str]) -> int:
    """Runs `dcos job …`."""
    verb, rest = (argv[0] if argv else ""), argv[1:]
    if verb == "show" and rest[:1] == ["runs"]:
        return _show_runs(rest[1:])
    handlers = {
        "add": _add,
        "history": _history,
        "kill": _kill,
        "list": _list,
        "remove": _remove,
        "run": _run,
        "show": _show,
        "update": _update,
    }
    if verb not in handlers:
        raise UsageError(USAGE)
    return handlers[verb](rest)


def _definition(name: str) -> Any:
    if not Path(name).is_file():
        raise ClientError(f"Can't read from resource: {name}.\nPlease check that it exists.")
    try:
        document = json.loads(Path(name).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ClientError(f"Error loading JSON: {error}") from error
    # Schedules are no part of what is sent: the real client adds them by a call of their own.
    document.pop("schedules", None)
    return document


def _add(argv: list[str]) -> int:
    document = _definition(parse(argv, "dcos job add <job-file>", 1).words[0])
    if "id" not in document:
        raise ClientError("Jobs JSON requires an ID.")
    document["run"].setdefault("disk", 0)
    metronome("POST", "v1/jobs", document)
    return 0


def _update(argv: list[str]) -> int:
    document = _definition(parse(argv, "dcos job update <job-file>", 1).words[0])
    metronome("PUT", f"v1/jobs/{document['id']}", document)
    return 0


def _remove(argv: list[str]) -> int:
    found = parse(argv, "dcos job remove <job-id> [--stop-current-job-runs]", 1)
    flag = "?stopCurrentJobRuns=true" if found.has("--stop-current-job-runs") else ""
    try:
        metronome("DELETE", f"v1/jobs/{found.words[0]}{flag}")
    except ClientError as error:
        raise ClientError(f"Unable to remove '{found.words[0]}'. {error}.") from error
    return 0


def _show(argv: list[str]) -> int:
    emit(metronome("GET", f"v1/jobs/{parse(argv, 'dcos job show <job-id>', 1).words[0]}").json())
    return 0


def _show_runs(argv: list[str]) -> int:
    usage = "dcos job show runs <job-id> [--run-id <run-id>][--json|--quiet]"
    found = parse(argv, usage.replace("--run-id ", "--run-id="), 1)
    job_id, run_id = found.words[0], found.options.get("--run-id")
    runs = metronome("GET", f"v1/jobs/{job_id}/runs" + (f"/{run_id}" if run_id else "")).json()
    if found.has("--quiet"):
        for one in runs:
            emit(one["id"])
    elif found.has("--json"):
        emit(runs)
    elif any("id" in one for one in runs):
        fields = {
            "TASK ID": lambda one: one["id"],
            "JOB ID": lambda one: one["jobId"],
            "STARTED AT": lambda one: one["createdAt"],
        }
        emit(table(fields, runs, left="JOB ID|STARTED AT"))
    else:
        emit(f"Nothing running for '{job_id}'")
    return 0


def _list(argv: list[str]) -> int:
    found = parse(argv, "dcos job list [--json|--quiet]")
    jobs = metronome("GET", f"v1/jobs?{_EMBEDDED}historySummary").json()
    if found.has("--quiet"):
        for job in jobs:
            emit(job["id"])
    elif found.has("--json"):
        emit(jobs)
    else:
        fields = {"ID": lambda job: job["id"], "STATUS": _status, "LAST RUN": _last_run}
        emit(table(fields, jobs, left="STATUS|LAST RUN", sort="ID"))
    return 0


def _status(job: Any) -> str:
    if "activeRuns" in job:
        return "Running"
    return "Scheduled" if job.get("schedules") else "Unscheduled"


def _last_run(job: Any) -> str:
    # Times of one offset: as texts they have the order of the times.
    success, failure = (job["historySummary"][key] or "" for key in ("lastSuccessAt", "lastFailureAt"))
    if not success and not failure:
        return "N/A"
    return "Success" if success > failure else "Failed"


def _history(argv: list[str]) -> int:
    usage = "dcos job history <job-id> [--json|--quiet] [--failures --show-failures --last]"
    found = parse(argv, usage, 1)
    job_id, failures = found.words[0], found.has("--failures") or found.has("--show-failures")
    history = metronome("GET", f"v1/jobs/{job_id}?{_EMBEDDED}history").json()["history"]
    runs = history["failedFinishedRuns" if failures else "successfulFinishedRuns"]
    if found.has("--quiet"):
        for one in runs[:1] if found.has("--last") else runs:
            emit(one["id"])
        return 0
    if found.has("--json"):
        emit(runs)
        return 0
    words = ("Failure runs", "failureCount", "Last Failure", "lastFailureAt")
    if not failures:
        words = ("Successful runs", "successCount", "Last Success", "lastSuccessAt")
    emit(f"'{job_id}'  {words[0]}: {history[words[1]]} {words[2]}: {history[words[3]]}")
    fields = {
        "TASK ID": lambda one: one["id"],
        "STARTED": lambda one: one["createdAt"],
        "FINISHED": lambda one: one["finishedAt"],
    }
    emit(
        table(
            fields,
            sorted(runs, key=lambda one: str(one["finishedAt"]), reverse=True),
            left="STARTED|FINISHED",
        )
    )
    return 0


def _run(argv: list[str]) -> int:
    found = parse(argv, "dcos job run <job-id> [--json]", 1)
    started = metronome("POST", f"v1/jobs/{found.words[0]}/runs").json()
    emit(started if found.has("--json") else f"Run ID: {started['id']}")
    return 0


def _kill(argv: list[str]) -> int:
    found = parse(argv, "dcos job kill <job-id> [<run-id>][--all]", 1, 2)
    job_id, runs = found.words[0], found.words[1:]
    if not runs and found.has("--all"):
        runs = [one["id"] for one in metronome("GET", f"v1/jobs/{job_id}/runs").json()]
    for run_id in runs:
        try:
            metronome("POST", f"v1/jobs/{job_id}/runs/{run_id}/actions/stop")
        except ClientError as error:
            raise ClientError(f"Unable stop run ID '{run_id}' for job ID '{job_id}'") from error
        emit(f"Run '{run_id}' for job '{job_id}' killed.")
    return 0
