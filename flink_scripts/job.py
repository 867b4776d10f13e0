"""`python -m flink_scripts job MODULE`: submits a job, watches it, and stops it with a savepoint.

There is one process for each job name, and it may be killed at any moment. When it is started again, it
adopts the job if that still runs and is what this process would submit, replaces it if it is something else,
and resumes it from the newest snapshot if it is gone. A job that a restarted JobManager has forgotten is
resumed at once.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType

from flink_scripts.chore import Chore
from flink_scripts.clock import Clock
from flink_scripts.config import work_folder
from flink_scripts.description import describe
from flink_scripts.errors import Stopped
from flink_scripts.files import files_of
from flink_scripts.health import Health
from flink_scripts.java_project import built_from, package_jar
from flink_scripts.loop import Loop
from flink_scripts.observer import Observer
from flink_scripts.reconciler import JOBMANAGER
from flink_scripts.reporter import Reporter
from flink_scripts.rest import Rest
from flink_scripts.settings import Environment
from flink_scripts.state import StateFolder
from flink_scripts.stopper import Stopper
from flink_scripts.submit import client_options, job_options, start_submission, state_environ
from flink_scripts.submitter import Submitter
from flink_scripts.token import flink_token
from flink_scripts.topics import has_progress, topic_ids
from flink_scripts.waiter import Waiter
from task_runtime.health_log import logged
from task_runtime.pages import serve_pages

Log = Callable[[str], None]


def run_job(module: str, env: Environment, chores: Sequence[Chore] = ()) -> int:
    """Run the job until it is asked to stop, and return 0. Raises the FlinkScriptsError that ended it.

    chores: work to do before the submission, and repeatedly while the job runs.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    health = Health("starting")
    page = logged(health.answer, _log)
    with serve_pages({"/health": page}, env.host, env.integer("PORT0", 0, minimum=0)):
        try:
            return _prepare(module, env, chores, health, stop).run()
        except Stopped:
            _log("stopped before the job ran")
            return 0


def _prepare(
    module: str, env: Environment, chores: Sequence[Chore], health: Health, stop: threading.Event
) -> Loop:
    """Wait for what the job needs, then define the job from it and from the environment."""
    clock = Clock()
    rest = Rest(str(env.address("FLINK_JOBMANAGER_REST")), flink_token(env.variables))
    name, slots = env.text("JOB_NAME"), env.integer("FLINK_PARALLELISM", 1)
    servers = env.text("KAFKA_BOOTSTRAP_SERVERS")
    work = work_folder(env.variables).absolute()
    jar = package_jar(module)
    files = files_of(env.state_uri, lambda: state_environ(env, work))
    waiter = Waiter(health, clock, stop, _log)

    description = describe(module, env.variables)
    waiter.until(JOBMANAGER, rest.jobs)
    ids = waiter.until("Kafka", lambda: topic_ids(servers, description.topics))
    for chore in chores:
        for line in waiter.until(chore.name, chore.run):
            _log(line)

    def state_of(shape: str) -> StateFolder:
        return StateFolder(env.state_uri, name, shape, files)

    # The job's own Java classes are part of its identity.
    options = job_options(env) | ({"flink_scripts.jar": built_from(jar)} if jar else {})
    state = state_of(description.shape(ids))
    identity = description.identity(state.shape, options)
    client = client_options(env, options, state, identity, jar)
    stopper = Stopper(rest, clock, _log)
    submitter = Submitter(
        f"python -m {module}",
        name,
        client,
        lambda snapshot, job_id: start_submission(module, env, client, snapshot, job_id, work, jar),
        rest,
        stopper,
        clock,
        stop,
        _log,
    )
    return Loop(
        name=name,
        identity=identity,
        state=state,
        state_of=state_of,
        has_progress=lambda: has_progress(servers, name),
        observer=Observer(rest, name),
        stopper=stopper,
        submitter=submitter,
        reporter=Reporter(slots, state.problem, health, clock, _log),
        waiter=waiter,
        chores=chores,
        clock=clock,
        health=health,
        stop=stop,
        log=_log,
    )


def _log(message: str) -> None:
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {message}\n")
    sys.stdout.flush()
