"""What the page shows of Flink: the cluster and the gatherer's job."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flink_scripts.failures import is_checkpoint_failure
from flink_scripts.rest import Job as ListedJob
from flink_scripts.rest import Rest


@dataclass(frozen=True)
class Job:
    """The newest job of a name, and its checkpoints. Ages and durations in seconds, sizes in bytes.

    checkpoints_failed: of the newest that Flink remembers (10, unless configured otherwise).
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


def read_flink(rest: Rest, job_name: str) -> Flink:
    """The cluster as it is now. Raises RestError."""
    overview = rest.overview()
    ours = [job for job in rest.jobs() if job.name == job_name]
    # The newest is first. One that still runs goes before one that has ended.
    newest = next(iter(sorted(ours, key=lambda job: job.final)), None)
    return Flink(
        overview.version,
        overview.taskmanagers,
        overview.slots,
        overview.slots_free,
        None if newest is None else _job(rest, newest),
    )


def _job(rest: Rest, job: ListedJob) -> Job:
    checkpoints = rest.checkpoints(job.id)
    last = checkpoints.newest
    return Job(
        state=job.state,
        uptime=job.duration_ms / 1000,
        checkpoints_completed=checkpoints.completed,
        checkpoints_failed=sum(map(is_checkpoint_failure, checkpoints.failed)),
        checkpoint_age=max(0.0, time.time() - last.time_ms / 1000) if last else None,
        checkpoint_duration=last.duration_ms / 1000 if last else None,
        checkpoint_size=last.size if last else None,
    )
