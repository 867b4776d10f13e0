"""Runs the process that submits the job, and kills it when it takes too long or is no longer wanted."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping

from flink_scripts.clock import Clock
from flink_scripts.errors import Stopped, SubmitError
from flink_scripts.rest import Rest
from flink_scripts.state import StateFolder
from flink_scripts.stopper import Stopper
from flink_scripts.submit import submission_id

_SUBMIT_SECONDS = 180.0
_PAUSE_SECONDS = 0.25

Launch = Callable[[str | None, str], "subprocess.Popen[bytes]"]
"""Starts the submitting process in a process group of its own, given a snapshot and a job id."""


class Submitter:
    """Submits one job. options: what the job's id is computed from. what: the process's name in errors."""

    def __init__(
        self,
        what: str,
        name: str,
        options: Mapping[str, str],
        launch: Launch,
        rest: Rest,
        stopper: Stopper,
        clock: Clock,
        stop: threading.Event,
        log: Callable[[str], None],
    ) -> None:
        self._what = what
        self._name = name
        self._options = options
        self._launch = launch
        self._rest = rest
        self._stopper = stopper
        self._clock = clock
        self._stop = stop
        self._log = log

    def submit(self, snapshot: str | None, state: StateFolder) -> str:
        """Submit the job and return its id.

        Raises SubmitError when the process fails or takes too long, and Stopped when the stop event is set
        meanwhile. In both cases nothing of it is left running.
        """
        known = {job.id for job in self._rest.jobs() if job.name == self._name}
        job_id = submission_id(self._options, snapshot, known)
        process = self._launch(snapshot, job_id)
        started = self._clock.now()
        try:
            self._await(process, started)
        except BaseException:
            _kill_group(process)
            self._withdraw(job_id, state)
            raise
        if all(job.id != job_id for job in self._rest.jobs()):
            raise SubmitError(f"{self._what} ended with exit code {process.returncode}; see its output above")
        if process.returncode == 0:
            self._log(f"submitted job {job_id} in {self._clock.now() - started:.1f} s")
        else:
            self._log(f"job {job_id} had been submitted already, by a process that outlived its submitter")
        return job_id

    def _await(self, process: subprocess.Popen[bytes], started: float) -> None:
        while process.poll() is None:
            if self._clock.now() - started > _SUBMIT_SECONDS:
                raise SubmitError(f"{self._what} did not finish within {_SUBMIT_SECONDS:.0f} s")
            if self._clock.wait(self._stop, _PAUSE_SECONDS):
                raise Stopped

    def _withdraw(self, job_id: str, state: StateFolder) -> None:
        """Stop the job that an abandoned submission may still have started."""
        if any(job.id == job_id and not job.final for job in self._rest.jobs()):
            self._stopper.stop(job_id, state)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
