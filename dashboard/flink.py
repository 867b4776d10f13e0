"""The part of the JobManager's REST API that shows how the gatherer's job is."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from dashboard.errors import FlinkError

TIMEOUT_SECONDS = 3.0
FINAL_STATES = frozenset({"FINISHED", "FAILED", "CANCELED", "SUSPENDED"})
# A checkpoint that was given up for one of these says nothing about checkpoints: its job failed or was
# stopped, or some of its tasks had not started yet or had ended. flink_scripts/failures.py has the same list.
GIVEN_UP = (
    "Checkpoint Coordinator is suspending",
    "CheckpointCoordinator shutdown",
    "Periodic checkpoint scheduler is shut down",
    "Not all required tasks are currently running",
    "Checkpoint was declined (tasks not ready)",
    "Checkpoint was declined (task is closing)",
    "Task received cancellation from one of its inputs",
    "Checkpoint was declined because one input stream is finished",
    "Checkpoint has been subsumed",
    "Checkpoint was canceled because a barrier from newer checkpoint was received",
    "FailoverRegion is restarting",
    "Task has failed",
)


@dataclass(frozen=True)
class Job:
    """The newest job of a name, and its checkpoints. Ages and durations in seconds, sizes in bytes.

    checkpoints_failed: of the newest that Flink remembers (10, unless set otherwise).
    """

    state: str
    uptime: float
    checkpoints_completed: int
    checkpoints_failed: int
    checkpoint_age: float | None
    checkpoint_duration: float | None
    checkpoint_size: int | None


@dataclass(frozen=True)
class Flink:
    """The cluster, and the gatherer's job if there is one."""

    version: str
    taskmanagers: int
    slots: int
    slots_free: int
    job: Job | None


class Rest:
    """The REST API at "host:port". Every failure is a FlinkError."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self._base = f"http://{address}"
        self._session = session

    async def flink(self, job_name: str) -> Flink:
        """The cluster as it is now."""
        overview, jobs = await asyncio.gather(self._get("/overview"), self._get("/jobs/overview"))
        try:
            ours = [job for job in jobs["jobs"] if job["name"] == job_name]
            newest = max(
                ours, key=lambda job: (job["state"] not in FINAL_STATES, job["start-time"]), default=None
            )
            return Flink(
                version=overview["flink-version"],
                taskmanagers=overview["taskmanagers"],
                slots=overview["slots-total"],
                slots_free=overview["slots-available"],
                job=None if newest is None else await self._job(newest),
            )
        except (KeyError, TypeError) as error:
            raise FlinkError(f"the JobManager at {self._base} left {error} out of its answer") from None

    async def _job(self, job: dict[str, Any]) -> Job:
        checkpoints = await self._get(f"/jobs/{job['jid']}/checkpoints")
        last = (checkpoints.get("latest") or {}).get("completed")
        return Job(
            state=job["state"],
            uptime=job["duration"] / 1000,
            checkpoints_completed=checkpoints["counts"]["completed"],
            checkpoints_failed=sum(map(_has_failed, checkpoints["history"])),
            checkpoint_age=max(0.0, time.time() - last["latest_ack_timestamp"] / 1000) if last else None,
            checkpoint_duration=last["end_to_end_duration"] / 1000 if last else None,
            checkpoint_size=last["state_size"] if last else None,
        )

    async def _get(self, path: str) -> Any:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        try:
            async with self._session.get(self._base + path, timeout=timeout) as answer:
                if answer.status != 200:
                    raise FlinkError(f"GET {self._base}{path}: {answer.status}")
                return await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = str(error) or f"nothing within {TIMEOUT_SECONDS:g} s"
            raise FlinkError(f"no answer from the JobManager at {self._base}: {reason}") from None


def _has_failed(checkpoint: dict[str, Any]) -> bool:
    """Whether something went wrong with the checkpoint itself, such as its time or its store.

    Flink's own count includes those that were never begun because some task had not started yet.
    """
    message = checkpoint.get("failure_message") or ""
    return checkpoint["status"] == "FAILED" and not message.startswith(GIVEN_UP)
