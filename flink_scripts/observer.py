"""Reads from the JobManager all that the next decision needs."""

from __future__ import annotations

from dataclasses import dataclass

from flink_scripts.errors import RestError
from flink_scripts.rest import Checkpoints, Failure, JobDetail, Rest
from flink_scripts.submit import IDENTITY, SHAPE

_NOT_FOUND = 404


@dataclass(frozen=True)
class RunningJob:
    """A job of our name that has not ended.

    identity: digest of its definition. shape: digest of what its state depends on.
    """

    id: str
    identity: str | None
    shape: str


@dataclass(frozen=True)
class WatchedJob:
    """The job that this process watches. failures: the newest first."""

    id: str
    detail: JobDetail
    failures: tuple[Failure, ...]
    checkpoints: Checkpoints

    @property
    def lacks_slots(self) -> bool:
        """The job waits for slots, at its start or after it lost them. The scheduler will start it."""
        return self.detail.state == "CREATED"

    @property
    def runs(self) -> bool:
        """The job and all of its tasks run."""
        return self.detail.state == "RUNNING" and all(task == "RUNNING" for task in self.detail.tasks)


@dataclass(frozen=True)
class Observed:
    """What was read. problem: why nothing could be read; the rest is empty then.

    running: filled while no job is watched. watched: None when the JobManager does not know the job.
    """

    problem: str | None = None
    running: tuple[RunningJob, ...] = ()
    watched: WatchedJob | None = None


class Observer:
    """Reads the jobs of one name."""

    def __init__(self, rest: Rest, name: str) -> None:
        self._rest = rest
        self._name = name

    def observe(self, job_id: str | None) -> Observed:
        """The job with this id; without an id, the running jobs of our name."""
        try:
            if job_id is None:
                return Observed(running=self._running())
            return Observed(watched=self._watched(job_id))
        except RestError as error:
            return Observed(problem=str(error))

    def last_failure(self) -> Failure | None:
        """The last failure among all jobs of our name, including those that ended.

        None also when the JobManager does not answer: this is for information only.
        """
        try:
            ours = [job for job in self._rest.jobs() if job.name == self._name]
            failures = [failure for job in ours for failure in self._rest.failures(job.id)]
        except RestError:
            return None
        return max(failures, key=lambda failure: failure.time_ms, default=None)

    def _running(self) -> tuple[RunningJob, ...]:
        found = []
        for job in self._rest.jobs():
            if job.name == self._name and not job.final:
                parameters = self._rest.parameters(job.id)
                found.append(RunningJob(job.id, parameters.get(IDENTITY), parameters.get(SHAPE, "unknown")))
        return tuple(found)

    def _watched(self, job_id: str) -> WatchedJob | None:
        try:
            # Failures first: a job that fails between two of these calls must not look as if it had failed
            # and recovered.
            failures = self._rest.failures(job_id)
            checkpoints = self._rest.checkpoints(job_id)
            return WatchedJob(job_id, self._rest.job(job_id), failures, checkpoints)
        except RestError as error:
            # A 404 may be about a part of the job. Only a job that is in no list is gone.
            if error.status == _NOT_FOUND and all(job.id != job_id for job in self._rest.jobs()):
                return None
            raise
