"""Stops a job: with a savepoint if possible, else without."""

from __future__ import annotations

from collections.abc import Callable

from flink_scripts.clock import Clock
from flink_scripts.errors import FlinkScriptsError, NotReadyError, RestError
from flink_scripts.rest import Rest
from flink_scripts.state import StateFolder

# Together less than the app's kill grace period, 60 s: a job without a savepoint must still be cancelled.
_SAVEPOINT_SECONDS = 40.0
_END_SECONDS = 8.0
_PAUSE_SECONDS = 0.25


class Stopper:
    """Stops jobs. A stop event does not interrupt it: an end without a savepoint would cost more."""

    def __init__(self, rest: Rest, clock: Clock, log: Callable[[str], None]) -> None:
        self._rest = rest
        self._clock = clock
        self._log = log

    def stop(self, job_id: str, state: StateFolder) -> bool:
        """Stop a job with a savepoint, or cancel it if that fails. Returns whether there is a savepoint."""
        try:
            location = self._savepoint(job_id, state)
        except (RestError, NotReadyError) as error:
            newest = state.newest()
            kept = (
                f"its newest checkpoint is {newest.uri}" if newest else "and it has completed no checkpoint"
            )
            self._log(f"no savepoint of job {job_id}: {error}; {kept}")
            self._cancel(job_id)
            return False
        self._log(f"stopped job {job_id} with savepoint {location}")
        return True

    def _savepoint(self, job_id: str, state: StateFolder) -> str:
        request = self._rest.stop_with_savepoint(job_id, state.savepoints)
        deadline = self._clock.now() + _SAVEPOINT_SECONDS
        while self._clock.now() < deadline:
            done, location = self._rest.savepoint(job_id, request)
            if done:
                self._await_end(job_id)
                return location
            self._clock.sleep(_PAUSE_SECONDS)
        raise NotReadyError(f"the savepoint was not complete after {_SAVEPOINT_SECONDS:.0f} s")

    def _cancel(self, job_id: str) -> None:
        try:
            self._rest.cancel(job_id)
            self._await_end(job_id)
        except FlinkScriptsError as error:
            self._log(f"job {job_id} could not be cancelled: {error}")

    def _await_end(self, job_id: str) -> None:
        deadline = self._clock.now() + _END_SECONDS
        while any(job.id == job_id and not job.final for job in self._rest.jobs()):
            if self._clock.now() > deadline:
                raise NotReadyError(f"job {job_id} did not end within {_END_SECONDS:.0f} s")
            self._clock.sleep(_PAUSE_SECONDS)
