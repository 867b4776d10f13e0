"""The definition of a job: its shape, its rules, and what is filled in where it leaves something out.

After Metronome's v1 API (github.com/dcos/metronome, api/v1/schema/jobspec.schema.json).
"""

import copy
import re
from collections.abc import Iterator

from local_dcos import schema
from local_dcos.definition import LONGEST_ID, check_shape, refuse
from local_dcos.errors import ApiError
from local_dcos.model import Json
from local_dcos.schema import MapOf, Number, OneOf, Problem

_RUN = {
    "args": [str],
    "artifacts": [{"uri": str, "executable": bool, "extract": bool, "cache": bool}],
    "cmd": str,
    "cpus": Number(0.01, fraction=True),
    "disk": Number(fraction=True),
    "docker": {
        "image": str,
        "forcePullImage": bool,
        "privileged": bool,
        "parameters": [{"key": str, "value": str}],
    },
    "env": MapOf(OneOf((str, {"secret": str}), "error.expected.jsstring")),
    "gpus": Number(),
    "maxLaunchDelay": Number(1),
    "mem": Number(32, fraction=True),
    "placement": {"constraints": [{"attribute": str, "operator": str, "value": str}]},
    "restart": {"policy": ("NEVER", "ON_FAILURE"), "activeDeadlineSeconds": Number()},
    "secrets": MapOf({"source": str}),
    "taskKillGracePeriodSeconds": Number(),
    "ucr": MapOf(object),
    "user": str,
    "volumes": [{"containerPath": str, "hostPath": str, "mode": ("RO", "RW")}],
}
SHAPE = {"id": str, "description": str, "labels": schema.LABELS, "run": _RUN}
_REQUIRED = ("cpus", "mem", "disk")
_DEFAULTS: Json = {
    "artifacts": [],
    "env": {},
    "maxLaunchDelay": 3600,
    "placement": {"constraints": []},
    "restart": {"policy": "NEVER"},
    "secrets": {},
    "volumes": [],
}
_ID = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
# What a caller may send back of what it has read.
_READ_ONLY = ("activeRuns", "history", "historySummary", "schedules")


def complete(document: Json, job_id: str | None = None) -> Json:
    """Returns a full definition out of what a caller sent; `job_id` is the one in the address.

    Raises:
        ApiError: 422, naming every mistake.
    """
    sent = {key: value for key, value in document.items() if key not in _READ_ONLY and value is not None}
    if job_id is not None:
        sent["id"] = job_id
    check_shape(sent, SHAPE)
    refuse(list(_problems(sent)))
    return {"labels": {}, **sent, "run": {**copy.deepcopy(_DEFAULTS), **sent["run"]}}


def _problems(job: Json) -> Iterator[Problem]:
    job_id, run = job.get("id"), job.get("run")
    if job_id is None:
        yield "/id", "error.path.missing"
    elif len(job_id) > LONGEST_ID or not _ID.fullmatch(job_id):
        yield "/id", "must be names of lower-case letters, digits and hyphens, separated by dots"
    if run is None:
        yield "/run", "error.path.missing"
        return
    for key in _REQUIRED:
        if key not in run:
            yield f"/run/{key}", "error.path.missing"
    if run.get("cmd") and run.get("args"):
        yield "/run", "must contain at most one of 'cmd' and 'args'"
    if not (run.get("cmd") or run.get("args") or run.get("docker") or run.get("ucr")):
        yield "/run", "must contain one of 'cmd', 'args', 'docker' and 'ucr'"
    for name, value in run.get("env", {}).items():
        if isinstance(value, dict) and value.get("secret") not in run.get("secrets", {}):
            yield f"/run/env/{name}", f"references an undeclared secret '{value.get('secret')}'"


def runnable(definition: Json) -> Json:
    """Returns what of a job's definition makes a process, in the form of an app's."""
    run: Json = definition["run"]
    return {**run, "fetch": run["artifacts"]}


def unknown_job(job_id: str) -> ApiError:
    """The answer to who asks for a job that there isn't."""
    return ApiError(404, "Job not found", {"id": job_id})
