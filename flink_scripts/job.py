"""`python -m flink_scripts job MODULE`: submit a job, watch it, stop it with a savepoint.

One process per job name. It is made to be killed at any moment: on its return it adopts the job if that
still runs and is what this process would submit, replaces it if it is something else, and resumes it from
the newest snapshot if it is gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TypeVar

from flink_scripts.config import work_folder
from flink_scripts.description import Description, describe
from flink_scripts.errors import FlinkScriptsError, JobFailedError, NotReadyError, RestError, SubmitError
from flink_scripts.files import files_of
from flink_scripts.health import Health, serve_health
from flink_scripts.java_project import built_from, job_jar
from flink_scripts.rest import Job, Rest
from flink_scripts.retention import TopicRetention
from flink_scripts.settings import Environment
from flink_scripts.state import StateFolder
from flink_scripts.submit import (
    IDENTITY,
    SHAPE,
    client_options,
    job_options,
    start_submission,
    state_environ,
    submission_id,
)
from flink_scripts.topics import topic_ids

_READY_SECONDS = 300.0
_SUBMIT_SECONDS = 180.0
# Together less than the app's kill grace period, 60 s: a job without a savepoint must still be cancelled.
_SAVEPOINT_SECONDS = 40.0
_END_SECONDS = 8.0
_PAUSE_SECONDS = 0.25
_WATCH_SECONDS = 1.0

_T = TypeVar("_T")


class Stopped(Exception):
    """SIGTERM or SIGINT arrived."""


def run_job(module: str, env: Environment) -> int:
    """Run the job until it is asked to stop (0), or raise the FlinkScriptsError that ended it."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    health = Health("starting")
    server = serve_health(health, env.bind_host, env.integer("PORT0", 0, minimum=0))
    try:
        return Submitter(module, env, health, stop).run()
    finally:
        server.shutdown()
        server.server_close()


class Submitter:
    """The life of one job from submission to its end."""

    def __init__(self, module: str, env: Environment, health: Health, stop: threading.Event) -> None:
        self._module = module
        self._env = env
        self._health = health
        self._stop = stop
        self._rest = Rest(env.address("FLINK_JOBMANAGER_REST"))
        self._name = env.text("JOB_NAME")
        self._work = work_folder(env.variables).absolute()
        self._jar = job_jar(module)
        self._files = files_of(env.state_uri, lambda: state_environ(env, self._work))
        self._retention = TopicRetention(env)

    def run(self) -> int:
        """See run_job."""
        try:
            description = describe(self._module, self._env.variables)
            self._wait_for("the JobManager", self._rest.jobs)
            state, options, identity = self._definition(description)
            self._wait_for("the topics' settings", self._keep_topics)
            job = self._adopt(identity) or self._submit(
                state, client_options(self._env, options, state, identity, self._jar)
            )
        except Stopped:
            _say("stopped before the job ran")
            return 0
        self._health.job_id = job.id
        try:
            self._watch(job, state)
        except Stopped:
            self._health.reason = "stopping"
            return 0 if self._end(job, state) else 1
        raise AssertionError("watching ends by an exception")

    def _definition(self, description: Description) -> tuple[StateFolder, dict[str, str], str]:
        bootstrap_servers = self._env.text("KAFKA_BOOTSTRAP_SERVERS")
        ids = self._wait_for("Kafka", lambda: topic_ids(bootstrap_servers, description.topics))
        shape = description.shape(ids)
        # What the job's own classes are is part of what the job is.
        options = job_options(self._env) | ({"flink_scripts.jar": built_from(self._jar)} if self._jar else {})
        return (
            self._state(shape),
            options,
            description.identity(shape, options),
        )

    def _state(self, shape: str) -> StateFolder:
        return StateFolder(self._env.state_uri, self._name, shape, self._files)

    def _adopt(self, identity: str) -> Job | None:
        """The running job of our name when it is what we would submit; any other is stopped first."""
        adopted = None
        for job in self._running():
            parameters = self._rest.parameters(job.id)
            if adopted is None and parameters.get(IDENTITY) == identity:
                adopted = job
                _say(f"job {job.id} runs already, as we would submit it: watching it")
                continue
            _say(f"job {job.id} runs with another definition: stopping it")
            shape = parameters.get(SHAPE, "unknown")
            if not self._end(job, self._state(shape)):
                _say("resuming from its newest checkpoint")
        return adopted

    def _submit(self, state: StateFolder, options: dict[str, str]) -> Job:
        self._wait_for("a free task slot", self._free_slot)
        newest = state.newest()
        _say(
            f"resuming from {newest.uri}" if newest else "no usable state: starting from the earliest records"
        )
        self._health.reason = "submitting the job"
        resume_from = newest.uri if newest else None
        known = {job.id for job in self._rest.jobs() if job.name == self._name}
        job_id = submission_id(options, resume_from, known)
        process = start_submission(
            self._module, self._env, options, resume_from, job_id, self._work, self._jar
        )
        started = time.monotonic()
        try:
            while process.poll() is None:
                if time.monotonic() - started > _SUBMIT_SECONDS:
                    raise SubmitError(
                        f"python -m {self._module} did not finish within {_SUBMIT_SECONDS:.0f} s"
                    )
                self._pause()
        except BaseException:
            _kill_group(process)
            self._withdraw(job_id, state)
            raise
        submitted = next((job for job in self._rest.jobs() if job.id == job_id), None)
        if submitted is None:
            raise SubmitError(
                f"python -m {self._module} ended with exit code {process.returncode}; see its output above"
            )
        if process.returncode == 0:
            _say(f"submitted job {job_id} in {time.monotonic() - started:.1f} s")
        else:
            _say(f"job {job_id} had been submitted already, by a process that outlived its submitter")
        return submitted

    def _withdraw(self, job_id: str, state: StateFolder) -> None:
        """End what a submission that we gave up may have started all the same."""
        for job in self._running():
            if job.id == job_id:
                self._end(job, state)

    def _watch(self, job: Job, state: StateFolder) -> None:
        """Keep the health answer true; raises JobFailedError when the job has ended by itself."""
        pruned = False
        while True:
            try:
                job_state, tasks, slots = self._rest.state(job.id)
                if job_state in ("FAILED", "CANCELED", "FINISHED"):
                    raise JobFailedError(self._epitaph(job, job_state))
                running = job_state == "RUNNING" and all(task == "RUNNING" for task in tasks)
                if running:
                    self._note_slots(slots)
                self._health.reason = None if running else f"job {job_state}, tasks {', '.join(tasks)}"
                if running and not pruned and self._rest.completed_checkpoints(job.id) > 0:
                    pruned = True
                    for folder in state.prune(job.id):
                        _say(f"removed {folder}: nothing needs it any more")
            except RestError as error:
                if error.status == 404:
                    raise JobFailedError(
                        f"job {job.id} is gone from the JobManager, which must have been restarted; "
                        "it resumes from its newest checkpoint when this process is started again"
                    ) from error
                self._health.reason = str(error)
            if self._retention.due:
                # While Kafka is away, the job's own state says so.
                with suppress(NotReadyError):
                    self._keep_topics()
            self._pause(_WATCH_SECONDS)

    def _keep_topics(self) -> None:
        for line in self._retention.apply():
            _say(line)

    def _note_slots(self, slots: int) -> None:
        wanted = self._env.integer("FLINK_PARALLELISM", 1)
        note = f"on {slots} of {wanted} slots" if slots < wanted else None
        if note != self._health.note:
            _say(f"the job runs {note or f'on all of {wanted} slots'}")
        self._health.note = note

    def _epitaph(self, job: Job, job_state: str) -> str:
        try:
            cause = self._rest.root_exception(job.id)
        except RestError as error:
            cause = str(error)
        return f"job {job.id} ({self._name}) is {job_state}; {cause or 'nobody here asked for that'}"

    def _end(self, job: Job, state: StateFolder) -> bool:
        """Stop a job with a savepoint, or without one if need be; whether there is a savepoint."""
        location = ""
        try:
            request = self._rest.stop_with_savepoint(job.id, state.savepoints)
            location = self._await_savepoint(job, request)
            _say(f"stopped job {job.id} with savepoint {location}")
        except (RestError, NotReadyError) as error:
            newest = state.newest()
            kept = (
                f"its newest checkpoint is {newest.uri}" if newest else "and it has completed no checkpoint"
            )
            _say(f"no savepoint of job {job.id}: {error}; {kept}")
            self._cancel(job)
        return bool(location)

    def _await_savepoint(self, job: Job, request: str) -> str:
        deadline = time.monotonic() + _SAVEPOINT_SECONDS
        while time.monotonic() < deadline:
            done, location = self._rest.savepoint(job.id, request)
            if done:
                self._await_end(job)
                return location
            time.sleep(_PAUSE_SECONDS)
        raise NotReadyError(f"the savepoint was not complete after {_SAVEPOINT_SECONDS:.0f} s")

    def _cancel(self, job: Job) -> None:
        try:
            self._rest.cancel(job.id)
            self._await_end(job)
        except FlinkScriptsError as error:
            _say(f"job {job.id} could not be cancelled: {error}")

    def _await_end(self, job: Job) -> None:
        deadline = time.monotonic() + _END_SECONDS
        while any(other.id == job.id for other in self._running()):
            if time.monotonic() > deadline:
                raise NotReadyError(f"job {job.id} did not end within {_END_SECONDS:.0f} s")
            time.sleep(_PAUSE_SECONDS)

    def _running(self) -> list[Job]:
        return [job for job in self._rest.jobs() if job.name == self._name and not job.final]

    def _free_slot(self) -> None:
        if self._rest.free_slots() < 1:
            raise NotReadyError("none is free; is a TaskManager running, and FLINK_SLOTS large enough?")

    def _wait_for(self, what: str, ask: Callable[[], _T]) -> _T:
        """Ask until there is an answer. Raises NotReadyError saying what was missing last."""
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                return ask()
            except (RestError, NotReadyError) as error:
                reason = f"waiting for {what}: {error}"
            if reason != self._health.reason:
                _say(reason)
            self._health.reason = reason
            if time.monotonic() > deadline:
                raise NotReadyError(f"gave up after {_READY_SECONDS:.0f} s {reason}")
            self._pause()

    def _pause(self, seconds: float = _PAUSE_SECONDS) -> None:
        if self._stop.wait(seconds):
            raise Stopped


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def _say(message: str) -> None:
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {message}\n")
    sys.stdout.flush()
