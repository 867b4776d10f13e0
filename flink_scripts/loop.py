"""Observe, decide, act, repeatedly: the life of one job from its submission to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from flink_scripts.chore import Chore
from flink_scripts.clock import Clock
from flink_scripts.errors import JobFailedError, NotReadyError, Stopped
from flink_scripts.health import Health
from flink_scripts.observer import Observer, WatchedJob
from flink_scripts.reconciler import (
    JOBMANAGER,
    Action,
    Adopt,
    Ended,
    Gone,
    Replace,
    Search,
    Submit,
    Wait,
    Wanted,
    Watch,
    next_action,
)
from flink_scripts.reporter import Reporter
from flink_scripts.rest import Failure
from flink_scripts.state import Snapshot, StateFolder
from flink_scripts.stopper import Stopper
from flink_scripts.submitter import Submitter
from flink_scripts.waiter import PAUSE_SECONDS, Waiter

# Time between two reads of a job. While it does not run, each late read makes the outage longer.
_WATCH_SECONDS = 1.0
_RECOVERY_SECONDS = 0.5


@dataclass
class Loop:
    """Carries out what the reconciler decides.

    identity, state: of the job that is wanted. state_of: returns the state folder of another shape.
    has_progress: whether Kafka knows that the job has run before; raises NotReadyError.
    """

    name: str
    identity: str
    state: StateFolder
    state_of: Callable[[str], StateFolder]
    has_progress: Callable[[], bool]
    observer: Observer
    stopper: Stopper
    submitter: Submitter
    reporter: Reporter
    waiter: Waiter
    chores: Sequence[Chore]
    clock: Clock
    health: Health
    stop: threading.Event
    log: Callable[[str], None]

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._wanted = Wanted(self.identity)
        self._replaced: set[str] = set()
        self._pruned = False

    def run(self) -> int:
        """Run until the stop event is set. Returns 0 after a savepoint or when there was no job yet, else 1.

        Raises JobFailedError when the job has ended by itself, or the FlinkScriptsError that ended this loop.
        """
        while True:
            if self.stop.is_set():
                return self._end()
            action = next_action(self.observer.observe(self._wanted.job_id), self._wanted)
            with suppress(Stopped):  # the next round sees it
                self._carry_out(action)

    def _carry_out(self, action: Action) -> None:
        if not isinstance(action, Wait | Replace):
            self.waiter.reset()  # nothing is missing any more
        match action:
            case Wait(what, reason):
                self._wait(what, reason)
            case Adopt(job_id):
                self.log(f"job {job_id} runs already, as we would submit it: watching it")
                self._log_last_failure()
                self._watch_from_now(job_id)
            case Replace(job):
                self._replace(job.id, job.shape)
            case Search():
                self._search()
            case Submit(snapshot):
                self.health.reason = "submitting the job"
                self._watch_from_now(self.submitter.submit(snapshot, self.state))
            case Watch(job):
                self._watch(job)
            case Ended(job):
                self._raise_end(job)
            case Gone(job_id):
                self._begin_again(job_id)

    def _wait(self, what: str, reason: str) -> None:
        if self._wanted.job_id is None:
            self.waiter.missing(what, reason)
            self.waiter.pause(PAUSE_SECONDS)
            return
        # The job may be fine: watch until the JobManager is back, however long that takes.
        self.health.reason = reason
        self._do_chores()
        self.waiter.pause(_RECOVERY_SECONDS)

    def _replace(self, job_id: str, shape: str) -> None:
        if job_id in self._replaced:
            self.waiter.missing(f"the end of job {job_id}", "it could not be stopped")
        self._replaced.add(job_id)
        self.log(f"job {job_id} runs with another definition: stopping it")
        if not self.stopper.stop(job_id, self.state_of(shape)):
            self.log("resuming from its newest checkpoint")
        self._wanted = replace(self._wanted, searched=False, snapshot=None)

    def _search(self) -> None:
        self._log_last_failure()
        newest = self.waiter.until("the job's state", self._newest)
        self.log(
            f"resuming from {newest.uri}" if newest else "no usable state: starting from the earliest records"
        )
        self._wanted = replace(self._wanted, searched=True, snapshot=newest.uri if newest else None)

    def _newest(self) -> Snapshot | None:
        """The newest snapshot. Raises NotReadyError if there was one and its store is not there.

        A folder whose store is not mounted looks as at the very first start, and the job would write
        everything a second time.
        """
        newest = self.state.newest()
        if newest is None and self.has_progress() and self.state.is_empty():
            raise NotReadyError(
                f"Kafka holds the progress of {self.name}, but {self.state.root} holds no state of it: mount "
                "or restore the store; to start again from the earliest records, delete the group "
                f"{self.name} with kafka-consumer-groups.sh"
            )
        return newest

    def _watch_from_now(self, job_id: str) -> None:
        self.health.job_id = job_id
        self._wanted = replace(self._wanted, job_id=job_id)

    def _log_last_failure(self) -> None:
        """A failure often ends this process too, so its successor logs the reason again."""
        failure = self.observer.last_failure()
        if failure is not None:
            self.reporter.past(failure)

    def _watch(self, job: WatchedJob) -> None:
        self.reporter.report(job)
        if job.runs and not self._pruned and job.checkpoints.completed > 0:
            self._pruned = True
            for folder in self.state.prune(job.id):
                self.log(f"removed {folder}: nothing needs it any more")
        self._do_chores()
        self.waiter.pause(_WATCH_SECONDS if job.runs else _RECOVERY_SECONDS)

    def _do_chores(self) -> None:
        for chore in self.chores:
            # When something that it needs is away, the job's own state already says so.
            with suppress(NotReadyError):
                if chore.due:
                    for line in chore.run():
                        self.log(line)

    def _begin_again(self, job_id: str) -> None:
        gone = f"job {job_id} is gone from {JOBMANAGER}, which must have been restarted"
        self.reporter.failed(Failure(self.clock.utc_ms(), "", "", gone))
        self.reporter.forget_job()
        self.health.job_id, self.health.reason = None, gone
        self._begin()

    def _raise_end(self, job: WatchedJob) -> None:
        self.reporter.report(job)
        cause = job.failures[0].stack_trace if job.failures else "this process did not stop it"
        raise JobFailedError(f"job {job.id} ({self.name}) is {job.detail.state}; {cause}")

    def _end(self) -> int:
        """Stop without reading the job's state first: the kill grace period has begun."""
        job_id = self._wanted.job_id
        if job_id is None:
            self.log("stopped before the job ran")
            return 0
        self.health.reason = "stopping"
        return 0 if self.stopper.stop(job_id, self.state) else 1
