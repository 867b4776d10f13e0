"""From what there is and what is wanted to the next action. It asks nobody and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from flink_scripts.observer import Observed, RunningJob, WatchedJob
from flink_scripts.rest import FINAL_STATES


@dataclass(frozen=True)
class Wanted:
    """identity: what the running job should be. job_id: the job that we watch; None until there is one.

    looked, snapshot: whether the state folder has been searched, and what the job can resume from.
    """

    identity: str
    job_id: str | None = None
    looked: bool = False
    snapshot: str | None = None


@dataclass(frozen=True)
class Wait:
    """Something is missing. what: its name. reason: how it is."""

    what: str
    reason: str


@dataclass(frozen=True)
class Adopt:
    """A running job is what we would submit: watch it."""

    job_id: str


@dataclass(frozen=True)
class Replace:
    """A running job of our name is something else, or one too many: stop it with a savepoint."""

    job: RunningJob


@dataclass(frozen=True)
class Look:
    """Search the state folder for the newest snapshot."""


@dataclass(frozen=True)
class Submit:
    """Submit the job. snapshot: what it resumes from; without one it starts from the earliest records."""

    snapshot: str | None = None


@dataclass(frozen=True)
class Watch:
    """The job is there: report how it is."""

    job: WatchedJob


@dataclass(frozen=True)
class Ended:
    """The job has ended by itself."""

    job: WatchedJob


@dataclass(frozen=True)
class Gone:
    """The JobManager does not know the job any more: begin again, with a new job from the newest snapshot."""

    job_id: str


Action = Wait | Adopt | Replace | Look | Submit | Watch | Ended | Gone

JOBMANAGER = "the JobManager"


def next_action(observed: Observed, wanted: Wanted) -> Action:
    """What to do now. It is asked again after each action, so one step at a time is enough."""
    if observed.problem is not None:
        return Wait(JOBMANAGER, observed.problem)
    if wanted.job_id is not None:
        return _about_watched(wanted.job_id, observed.watched)
    return _towards_a_job(observed, wanted)


def _about_watched(job_id: str, job: WatchedJob | None) -> Action:
    if job is None:
        return Gone(job_id)
    return Ended(job) if job.detail.state in FINAL_STATES else Watch(job)


def _towards_a_job(observed: Observed, wanted: Wanted) -> Action:
    ours = [job for job in observed.running if job.identity == wanted.identity]
    surplus = [job for job in observed.running if job not in ours[:1]]
    if surplus:
        return Replace(surplus[0])
    if ours:
        return Adopt(ours[0].id)
    # A free slot is not waited for: the submitted job waits for it, while the TaskManagers come back.
    return Submit(wanted.snapshot) if wanted.looked else Look()
