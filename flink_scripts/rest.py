"""A client for the part of the JobManager's REST API that running a job needs (standard library only)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from flink_scripts.errors import RestError
from task_runtime.environment import Address

FINAL_STATES = frozenset({"FINISHED", "FAILED", "CANCELED", "SUSPENDED"})
# The client sees a job every second or so. Failures can't follow each other faster than the restart back-off.
_FAILURES = 4


@dataclass(frozen=True)
class Job:
    """One line of the JobManager's list of jobs."""

    id: str
    name: str
    state: str

    @property
    def final(self) -> bool:
        """The job has ended and can't run again."""
        return self.state in FINAL_STATES


@dataclass(frozen=True)
class JobDetail:
    """How a job is. tasks: the state of each vertex. slots: on how many it runs."""

    state: str
    tasks: tuple[str, ...]
    slots: int


@dataclass(frozen=True)
class Failure:
    """One failure of a job. time_ms: since 1970. task, host: where it began; empty when that is not known."""

    time_ms: int
    task: str
    host: str
    stack_trace: str


@dataclass(frozen=True)
class FailedCheckpoint:
    """A checkpoint that was begun and did not complete."""

    id: int
    message: str


@dataclass(frozen=True)
class Checkpoints:
    """A job's checkpoints. completed: since it was submitted. failed: of the newest that Flink remembers.

    restored: the checkpoint or savepoint that the job started from last, and when (ms since 1970).
    """

    completed: int = 0
    failed: tuple[FailedCheckpoint, ...] = ()
    restored: tuple[int, int] | None = None


class Rest:
    """The REST API at one address. Every failure is a RestError."""

    def __init__(self, address: Address, timeout: float = 5.0) -> None:
        self._base = f"http://{address}"
        self._timeout = timeout

    def jobs(self) -> list[Job]:
        """Every job that the JobManager knows, ended ones included, the newest first."""
        jobs = self._call("GET", "/jobs/overview")["jobs"]
        newest_first = sorted(jobs, key=lambda job: int(job.get("start-time", 0)), reverse=True)
        return [Job(job["jid"], job["name"], job["state"]) for job in newest_first]

    def job(self, job_id: str) -> JobDetail:
        """How a job is."""
        job = self._call("GET", f"/jobs/{job_id}")
        vertices = job["vertices"]
        slots = max((vertex["parallelism"] for vertex in vertices), default=0)
        return JobDetail(job["state"], tuple(vertex["status"] for vertex in vertices), slots)

    def parameters(self, job_id: str) -> dict[str, str]:
        """The job's global parameters (`pipeline.global-job-parameters`)."""
        config = self._call("GET", f"/jobs/{job_id}/config")
        parameters: dict[str, str] = config.get("execution-config", {}).get("user-config", {})
        return parameters

    def failures(self, job_id: str) -> tuple[Failure, ...]:
        """The job's newest failures, the newest first."""
        path = f"/jobs/{job_id}/exceptions?maxExceptions={_FAILURES}"
        return tuple(
            Failure(
                int(entry["timestamp"]),
                entry.get("taskName") or "",
                entry.get("endpoint") or "",
                str(entry["stacktrace"]).strip(),
            )
            for entry in self._call("GET", path).get("exceptionHistory", {}).get("entries", [])
        )

    def checkpoints(self, job_id: str) -> Checkpoints:
        """The job's checkpoints.

        Flink's own count of failed ones includes those that were never begun because some task had not
        started yet: a job that starts slowly collects a dozen. Here are only those that were begun.
        """
        answer = self._call("GET", f"/jobs/{job_id}/checkpoints")
        restored = (answer.get("latest") or {}).get("restored")
        return Checkpoints(
            int(answer["counts"]["completed"]),
            tuple(
                FailedCheckpoint(int(each["id"]), each.get("failure_message") or "no reason given")
                for each in answer.get("history", [])
                if each["status"] == "FAILED"
            ),
            restored and (int(restored["id"]), int(restored["restore_timestamp"])),
        )

    def stop_with_savepoint(self, job_id: str, folder: str) -> str:
        """Ask the job to write a savepoint below `folder` and to end; returns the id of the request."""
        body = {"targetDirectory": folder, "drain": False}
        return str(self._call("POST", f"/jobs/{job_id}/stop", body)["request-id"])

    def savepoint(self, job_id: str, request: str) -> tuple[bool, str]:
        """Whether a savepoint request is over, and its place; raises RestError when it failed."""
        answer = self._call("GET", f"/jobs/{job_id}/savepoints/{request}")
        if answer["status"]["id"] != "COMPLETED":
            return False, ""
        operation = answer.get("operation", {})
        if "failure-cause" in operation:
            raise RestError(
                f"the savepoint failed: {summary(operation['failure-cause'].get('stack-trace', ''))}"
            )
        return True, str(operation.get("location", ""))

    def cancel(self, job_id: str) -> None:
        """Ask the job to end at once; its checkpoints stay."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - always http
            self._base + path, data=data, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with _DIRECT.open(request, timeout=self._timeout) as response:
                return json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                raise RestError(
                    f"{method} {self._base}{path}: {_message(error.read())}", error.code
                ) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise RestError(f"no answer from the JobManager at {self._base}: {reason}") from None


# The JobManager is never behind the machine's HTTP proxy.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _message(body: bytes) -> str:
    try:
        return "; ".join(summary(error) for error in json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:500]


def summary(stack_trace: str) -> str:
    """The lines of a Java stack trace that say something: the exception and its causes."""
    lines = [line.strip() for line in stack_trace.splitlines() if line and not line[0].isspace()]
    return " / ".join(lines)[:1000]
