"""Checking job definitions, first against the schema, then against rules that a schema cannot express."""

import copy
from collections.abc import Iterator
from typing import Any

from local_dcos.definition import MAX_ID_LENGTH, refuse
from local_dcos.model import Json
from local_dcos.schema import JOB, Problem

_DEFAULTS: Json = {
    "artifacts": [],
    "env": {},
    "maxLaunchDelay": 3600,
    "placement": {"constraints": []},
    "restart": {"policy": "NEVER"},
    "secrets": {},
    "volumes": [],
}
# Keys that only the server writes. Clients may send them back, as they read them.
_READ_ONLY = ("activeRuns", "history", "historySummary", "schedules")


def complete(document: Json, job_id: str | None = None) -> Json:
    """Returns the definition with the defaults filled in. `job_id` is the one in the URL.

    Raises:
        ApiError: 422, naming every problem.
    """
    sent: Any = {key: value for key, value in document.items() if key not in _READ_ONLY and value is not None}
    if job_id is not None:
        sent["id"] = job_id
    refuse(JOB.problems(sent))
    refuse(list(_problems(sent)))
    return {"labels": {}, **sent, "run": {**copy.deepcopy(_DEFAULTS), **sent["run"]}}


def _problems(job: Json) -> Iterator[Problem]:
    run = job["run"]
    if len(job["id"]) > MAX_ID_LENGTH:
        yield "/id", f"must have at most {MAX_ID_LENGTH} characters"
    if run.get("cmd") and run.get("args"):
        yield "/run", "must contain at most one of 'cmd' and 'args'"
    if not (run.get("cmd") or run.get("args") or run.get("docker")):
        yield "/run", "must contain one of 'cmd', 'args' and 'docker'"
    for name, value in run.get("env", {}).items():
        if isinstance(value, dict) and value.get("secret") not in run.get("secrets", {}):
            yield f"/run/env/{name}", f"references an undeclared secret '{value.get('secret')}'"


def runnable(definition: Json) -> Json:
    """Returns the part of a job's definition that starts a process, in the form of an app definition."""
    run: Json = definition["run"]
    return {**run, "fetch": run["artifacts"]}
