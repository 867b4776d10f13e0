"""Decides the next action from what was observed and what is wanted. A pure function."""

from __future__ import annotations

from dataclasses import dataclass

from flink_scripts.observer import Observed, RunningJob, WatchedJob
from flink_scripts.rest import FINAL_STATES


@dataclass(frozen=True)
class Wanted:
    """identity: of the job that should run. job_id: the job that is watched; None until there is one.

    searched: whether the state folder has been searched. snapshot: what was found there to resume from.
    """

    identity: str
    job_id: str | None = None
    searched: bool = False
    snapshot: str | None = None


@dataclass(frozen=True)
class Wait:
    """Something is missing. what: its name. reason: what is wrong with it."""

    what: str
    reason: str


@dataclass(frozen=True)
class Adopt:
    """A running job is the one that is wanted: watch it."""

    job_id: str


@dataclass(frozen=True)
class Replace:
    """A running job of our name has another definition, or is a duplicate: stop it with a savepoint."""

    job: RunningJob


@dataclass(frozen=True)
class Search:
    """Search the state folder for the newest snapshot."""


@dataclass(frozen=True)
class Submit:
    """Submit the job. snapshot: what it resumes from; None: it starts from the earliest records."""

    snapshot: str | None = None


@dataclass(frozen=True)
class Watch:
    """The job exists: report its state."""

    job: WatchedJob


@dataclass(frozen=True)
class Ended:
    """The job has ended by itself."""

    job: WatchedJob


@dataclass(frozen=True)
class Gone:
    """The JobManager no longer knows the job: begin again, with a new job from the newest snapshot."""

    job_id: str


Action = Wait | Adopt | Replace | Search | Submit | Watch | Ended | Gone

JOBMANAGER = "the JobManager"


def next_action(observed: Observed, wanted: Wanted) -> Action:
    """What to do now. It is called again after each action, so it decides one step at a time."""
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
    # Do not wait for a free slot: the submitted job waits for it itself, while TaskManagers come back.
    return Submit(wanted.snapshot) if wanted.searched else Search()
