"""Reports what is new about the job since it was last read, in the log and in the health answer."""

from __future__ import annotations

from collections.abc import Callable

from flink_scripts.clock import Clock
from flink_scripts.failures import is_checkpoint_failure, is_of_checkpoints, reason, time_of
from flink_scripts.health import Health
from flink_scripts.observer import WatchedJob
from flink_scripts.rest import Failure

_NO_SLOT = "waiting for a free task slot: is a TaskManager running, and FLINK_SLOTS large enough?"
# Longer than the scheduler itself waits for more slots (resource-stabilization-timeout).
_SETTLING_SECONDS = 5.0


class Reporter:
    """Logs each failure, restart and failed checkpoint of a job once, and a wait for slots.

    wanted_slots: how many slots the job should run on. store_problem: why no checkpoint can be stored now,
    which Flink's REST API does not tell; None if there is no problem.
    """

    def __init__(
        self,
        wanted_slots: int,
        store_problem: Callable[[], str | None],
        health: Health,
        clock: Clock,
        log: Callable[[str], None],
    ) -> None:
        self._wanted_slots = wanted_slots
        self._store_problem = store_problem
        self._health = health
        self._clock = clock
        self._log = log
        self.forget_job()

    def forget_job(self) -> None:
        """Forget what was reported: the next report is about another job."""
        self._failed_at = 0
        self._failed_checkpoints: set[int] = set()
        self._restored: tuple[int, int] | None = None
        self._ran = self._interrupted = False
        self._slotless_since: float | None = None
        self._logged_slotless = False

    def past(self, failure: Failure) -> None:
        """Log a failure from before this process watched: `pipectl status` shows the last one in the log."""
        self._failed_at = max(self._failed_at, failure.time_ms)
        self._log(f"before this process: {self._noted(failure)}")

    def failed(self, failure: Failure) -> None:
        """Log a failure."""
        self._failed_at = failure.time_ms
        self._interrupted = True
        self._log(self._noted(failure))

    def _noted(self, failure: Failure) -> str:
        """Put a failure into the health answer; returns its line."""
        why = reason(failure)
        if is_of_checkpoints(why):
            why = self._with_problem(why)
        self._health.last_failure = {"time": time_of(failure), "reason": why}
        # pipectl status reads this line: cli/last_failure.py.
        return f"job failure at {time_of(failure)} UTC: {why}"

    def _with_problem(self, why: str) -> str:
        problem = self._store_problem()
        return f"{problem}, seen as {why}" if problem else why

    def report(self, job: WatchedJob) -> None:
        """Log what is new, and update the health answer."""
        self._report_failures(job)
        self._report_checkpoints(job)
        self._report_restart(job)
        self._report_lack_of_slots(job)
        if job.runs:
            self._health.reason = None
            self._note_slots(job.detail.slots)
        elif job.lacks_slots:
            self._health.reason = _NO_SLOT
        else:
            self._health.reason = f"job {job.detail.state}, tasks {', '.join(job.detail.tasks)}"

    def _report_failures(self, job: WatchedJob) -> None:
        new = sorted(
            (failure for failure in job.failures if failure.time_ms > self._failed_at),
            key=lambda failure: failure.time_ms,
        )
        for failure in new:
            self.failed(failure)

    def _report_checkpoints(self, job: WatchedJob) -> None:
        for checkpoint in sorted(job.checkpoints.failed, key=lambda each: each.id):
            if checkpoint.id not in self._failed_checkpoints and is_checkpoint_failure(checkpoint):
                self._failed_checkpoints.add(checkpoint.id)
                self._log(f"checkpoint {checkpoint.id} failed: {self._with_problem(checkpoint.message)}")
        self._health.checkpoints = {
            "completed": job.checkpoints.completed,
            "failed": len(self._failed_checkpoints),
        }

    def _report_restart(self, job: WatchedJob) -> None:
        """A restart shows as a job that no longer runs or, between two reads, as a new restoration."""
        restored = job.checkpoints.restored
        if self._ran and (not job.runs or restored != self._restored):
            self._interrupted = True
        self._restored = restored
        if not job.runs:
            return
        if self._interrupted:
            since = f"from checkpoint {restored[0]}" if restored else "from its beginning"
            self._log(f"the job was restarted and runs again, {since}")
        self._ran, self._interrupted = True, False

    def _report_lack_of_slots(self, job: WatchedJob) -> None:
        """Every job waits briefly at its start. Only a longer wait is logged."""
        if not job.lacks_slots:
            self._slotless_since, self._logged_slotless = None, False
            return
        now = self._clock.now()
        self._slotless_since = now if self._slotless_since is None else self._slotless_since
        if not self._logged_slotless and now - self._slotless_since > _SETTLING_SECONDS:
            self._logged_slotless = True
            self._log(_NO_SLOT)

    def _note_slots(self, slots: int) -> None:
        wanted = self._wanted_slots
        note = f"on {slots} of {wanted} slots" if slots < wanted else None
        if note != self._health.note:
            self._log(f"the job runs {note or f'on all of {wanted} slots'}")
        self._health.note = note
