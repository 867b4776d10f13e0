"""A client for the part of the JobManager's REST API that running and showing a job needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from flink_scripts.errors import RestError
from flink_scripts.tls import rest_context

FINAL_STATES = frozenset({"FINISHED", "FAILED", "CANCELED", "SUSPENDED"})
# A job is read about once a second, and the restart back-off limits how many failures fit into that time.
_FAILURES = 4


@dataclass(frozen=True)
class Overview:
    """The cluster: Flink's version, its TaskManagers, and their slots."""

    version: str
    taskmanagers: int
    slots: int
    slots_free: int


@dataclass(frozen=True)
class Job:
    """One line of the JobManager's list of jobs. duration_ms: since it was submitted."""

    id: str
    name: str
    state: str
    duration_ms: int = 0

    @property
    def final(self) -> bool:
        """The job has ended for good."""
        return self.state in FINAL_STATES


@dataclass(frozen=True)
class JobDetail:
    """The state of a job. tasks: the state of each vertex. slots: how many it runs on."""

    state: str
    tasks: tuple[str, ...]
    slots: int


@dataclass(frozen=True)
class Failure:
    """One failure of a job. time_ms: since 1970. task, host: where it began; empty when that is unknown."""

    time_ms: int
    task: str
    host: str
    stack_trace: str


@dataclass(frozen=True)
class FailedCheckpoint:
    """A checkpoint that was triggered and did not complete."""

    id: int
    message: str


@dataclass(frozen=True)
class CompletedCheckpoint:
    """A checkpoint that is complete. time_ms: when, since 1970. size: bytes."""

    time_ms: int
    duration_ms: int
    size: int


@dataclass(frozen=True)
class Checkpoints:
    """A job's checkpoints. completed: how many since it was submitted. failed: those that Flink remembers, 10
    unless configured otherwise. newest: the last one that completed.

    restored: the id of the checkpoint or savepoint that the job last started from, and when (ms since 1970).
    """

    completed: int = 0
    failed: tuple[FailedCheckpoint, ...] = ()
    restored: tuple[int, int] | None = None
    newest: CompletedCheckpoint | None = None


class Rest:
    """The REST API at one address, "host:port". Every failure is a RestError. Threads may share it.

    token: what the header Authorization carries. A server that does not know it gets no request. timeout:
    seconds for each step of a call.
    """

    def __init__(self, address: str, token: str, timeout: float = 5.0) -> None:
        self._base = f"https://{address}"
        # The JobManager is never behind the machine's HTTP proxy.
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout,
            trust_env=False,
            verify=rest_context(token),
        )

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def overview(self) -> Overview:
        """The cluster as it is now."""
        answer = self._call("GET", "/overview")
        with _complete_answer():
            return Overview(
                answer["flink-version"],
                answer["taskmanagers"],
                answer["slots-total"],
                answer["slots-available"],
            )

    def jobs(self) -> list[Job]:
        """Every job that the JobManager knows, including those that ended, the newest first."""
        answer = self._call("GET", "/jobs/overview")
        with _complete_answer():
            newest_first = sorted(answer["jobs"], key=lambda job: int(job.get("start-time", 0)), reverse=True)
            return [Job(job["jid"], job["name"], job["state"], job["duration"]) for job in newest_first]

    def job(self, job_id: str) -> JobDetail:
        """The state of a job."""
        job = self._call("GET", f"/jobs/{job_id}")
        with _complete_answer():
            vertices = job["vertices"]
            slots = max((vertex["parallelism"] for vertex in vertices), default=0)
            return JobDetail(job["state"], tuple(vertex["status"] for vertex in vertices), slots)

    def parameters(self, job_id: str) -> dict[str, str]:
        """The job's global parameters (`pipeline.global-job-parameters`)."""
        config = self._call("GET", f"/jobs/{job_id}/config")
        with _complete_answer():
            parameters: dict[str, str] = config.get("execution-config", {}).get("user-config", {})
        return parameters

    def failures(self, job_id: str) -> tuple[Failure, ...]:
        """The job's newest failures, the newest first."""
        answer = self._call("GET", f"/jobs/{job_id}/exceptions?maxExceptions={_FAILURES}")
        with _complete_answer():
            return tuple(
                Failure(
                    int(entry["timestamp"]),
                    entry.get("taskName") or "",
                    entry.get("endpoint") or "",
                    str(entry["stacktrace"]).strip(),
                )
                for entry in answer.get("exceptionHistory", {}).get("entries", [])
            )

    def checkpoints(self, job_id: str) -> Checkpoints:
        """The job's checkpoints.

        Flink's own count of failed ones includes those that were never triggered because some task had not
        started yet: a job that starts slowly collects a dozen. This result leaves them out.
        """
        answer = self._call("GET", f"/jobs/{job_id}/checkpoints")
        with _complete_answer():
            latest = answer.get("latest") or {}
            restored, newest = latest.get("restored"), latest.get("completed")
            return Checkpoints(
                int(answer["counts"]["completed"]),
                tuple(
                    FailedCheckpoint(int(each["id"]), each.get("failure_message") or "no reason given")
                    for each in answer.get("history", [])
                    if each["status"] == "FAILED"
                ),
                restored and (int(restored["id"]), int(restored["restore_timestamp"])),
                newest
                and CompletedCheckpoint(
                    newest["latest_ack_timestamp"], newest["end_to_end_duration"], newest["state_size"]
                ),
            )

    def stop_with_savepoint(self, job_id: str, folder: str) -> str:
        """Ask the job to write a savepoint below `folder` and to end. Returns the id of the request."""
        answer = self._call("POST", f"/jobs/{job_id}/stop", {"targetDirectory": folder, "drain": False})
        with _complete_answer():
            return str(answer["request-id"])

    def savepoint(self, job_id: str, request: str) -> tuple[bool, str]:
        """Whether a savepoint is complete, and its URI. Raises RestError when it failed."""
        answer = self._call("GET", f"/jobs/{job_id}/savepoints/{request}")
        with _complete_answer():
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
        url = self._base + path
        try:
            answer = self._client.request(method, url, json=body)
            if not answer.is_success:
                raise RestError(f"{method} {url}: {_message(answer.content)}", answer.status_code)
            return json.loads(answer.content or b"{}")
        except (httpx.HTTPError, ValueError) as error:
            reason = str(error) or type(error).__name__
            if "CERTIFICATE_VERIFY_FAILED" in reason:
                reason = "what answers there has another token than this process"
            raise RestError(f"no answer from the JobManager at {self._base}: {reason}") from None


@contextmanager
def _complete_answer() -> Iterator[None]:
    """Turn a missing field into a RestError."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise RestError(f"the JobManager left {error} out of its answer") from None


def _message(body: bytes) -> str:
    try:
        return "; ".join(summary(error) for error in json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:500]


def summary(stack_trace: str) -> str:
    """The lines of a Java stack trace without its frames: the exception and its causes."""
    lines = [line.strip() for line in stack_trace.splitlines() if line and not line[0].isspace()]
    return " / ".join(lines)[:1000]
