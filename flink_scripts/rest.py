"""A client for the part of the JobManager's REST API that running a job needs (standard library only)."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from flink_scripts.errors import RestError
from flink_scripts.settings import Address

FINAL_STATES = frozenset({"FINISHED", "FAILED", "CANCELED", "SUSPENDED"})


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


class Rest:
    """The REST API at one address. Every failure is a RestError."""

    def __init__(self, address: Address, timeout: float = 5.0) -> None:
        self._base = f"http://{address}"
        self._timeout = timeout

    def free_slots(self) -> int:
        """How many task slots no job holds."""
        return int(self._call("GET", "/overview")["slots-available"])

    def jobs(self) -> list[Job]:
        """Every job that the JobManager knows, ended ones included."""
        return [
            Job(job["jid"], job["name"], job["state"]) for job in self._call("GET", "/jobs/overview")["jobs"]
        ]

    def state(self, job_id: str) -> tuple[str, list[str], int]:
        """The state of a job and of each of its vertices, and how many slots it runs on."""
        job = self._call("GET", f"/jobs/{job_id}")
        vertices = job["vertices"]
        slots = max((vertex["parallelism"] for vertex in vertices), default=0)
        return job["state"], [vertex["status"] for vertex in vertices], slots

    def parameters(self, job_id: str) -> dict[str, str]:
        """The job's global parameters (`pipeline.global-job-parameters`)."""
        config = self._call("GET", f"/jobs/{job_id}/config")
        parameters: dict[str, str] = config.get("execution-config", {}).get("user-config", {})
        return parameters

    def root_exception(self, job_id: str) -> str:
        """Why the job failed last, with the stack trace; empty when it never did."""
        history = self._call("GET", f"/jobs/{job_id}/exceptions").get("exceptionHistory", {})
        entries = history.get("entries", [])
        return str(entries[0]["stacktrace"]).strip() if entries else ""

    def completed_checkpoints(self, job_id: str) -> int:
        """How many checkpoints the job has completed since it was submitted."""
        return int(self._call("GET", f"/jobs/{job_id}/checkpoints")["counts"]["completed"])

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
