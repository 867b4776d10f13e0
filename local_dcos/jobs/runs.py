"""Running jobs: each run is one process, which is watched until its end.

An agent that did not start a run must also learn its exit status. So the command runs below a shell. That
writes the same last line to the sandbox's stderr as Mesos' own executor.
"""

import contextlib
import re
import secrets
import shutil
import time
import uuid
from collections.abc import Callable

from local_dcos import launching, model, processes
from local_dcos.errors import ApiError, LaunchError
from local_dcos.home import Home
from local_dcos.jobs.definition import runnable
from local_dcos.jobs.model import ACTIVE, Job, Run
from local_dcos.model import Json, Task
from local_dcos.nodes.nodes import Nodes
from local_dcos.sandbox import last_line
from local_dcos.stamps import stamp
from local_dcos.store import State

# The signals of a stop reach the whole group: the shell outlives them and tells how the command ended.
EXECUTOR = 'trap : TERM INT; "$@"; code=$?; echo "Command exited with status $code (pid: $$)" >&2; exit $code'
_EXITED = re.compile(r"Command exited with status (\d+) \(pid: (\d+)\)")
_RUN_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Runs:
    """Starts, follows, stops and adopts the runs of all jobs."""

    def __init__(self, home: Home, state: State, nodes: Nodes, save: Callable[[], str | None]) -> None:
        self._home = home
        self._nodes = nodes
        self._state = state
        self._save = save

    def start(self, job: Job) -> Run:
        """Starts a run. If it cannot be launched, the run fails, with the reason in its stderr.

        Raises:
            ApiError: 503 if the state cannot be saved.
        """
        run_id = time.strftime("%Y%m%d%H%M%S", time.gmtime())
        run_id += "".join(secrets.choice(_RUN_ID_LETTERS) for _ in range(5))
        task = Task(f"{job.id}_{run_id}.{uuid.uuid4()}", job.id)
        run = Run(run_id, stamp(), job.definition, task)
        job.active[run.id] = run
        # Save before the process starts: the next agent can only adopt a saved run.
        if reason := self._save():
            del job.active[run.id]
            raise ApiError(503, f"{reason}. The job was not started: free disk space, then run it again.")
        try:
            self._launch(run)
        except LaunchError as error:
            self._explain(run, str(error))
            self._over(job, run, str(error), succeeded=False)
            return run
        self._save()
        self._follow(job, run)
        return run

    def _launch(self, run: Run) -> None:
        definition = runnable(run.definition)
        argv = launching.command_line(definition)
        executed: Json = {**definition, "cmd": None, "args": ["/bin/sh", "-c", EXECUTOR, "executor", *argv]}
        self._nodes.launch(run.task, executed)
        run.status = ACTIVE

    def _explain(self, run: Run, message: str) -> None:
        """Writes the reason to the run's stderr, where its user looks for it."""
        sandbox = self._home.sandbox(run.task)
        with contextlib.suppress(OSError):
            sandbox.mkdir(mode=0o700, exist_ok=True)
            (sandbox / "stdout").touch()
            (sandbox / "stderr").write_text(f"Failed to launch: {message}\n", encoding="utf-8")

    def _follow(self, job: Job, run: Run) -> None:
        processes.in_background(self._until_end(job, run))

    async def _until_end(self, job: Job, run: Run) -> None:
        code = await processes.follow(self._home.path, run.task, lambda: self._told(run))
        self._ended(job, run, code)

    def _told(self, run: Run) -> int | None:
        """The exit code of the command, from its sandbox; None if it is not there."""
        found = _EXITED.fullmatch(last_line(self._home.sandbox(run.task) / "stderr"))
        return int(found[1]) if found and int(found[2]) == run.task.pid else None

    def _ended(self, job: Job, run: Run, code: int | None) -> None:
        if run.task.kill_reason is not None:
            self._over(job, run, "Killed", succeeded=False)
        elif code is None or code < 0:
            self._over(job, run, "Command ended with unknown status", succeeded=False)
        else:
            self._over(job, run, f"Command exited with status {code}", succeeded=code == 0)

    def _over(self, job: Job, run: Run, message: str, *, succeeded: bool) -> None:
        run.end(message, succeeded=succeeded, at=stamp())
        for old in job.over(run):
            self._clear(old)
        self._save()

    def _clear(self, run: Run) -> None:
        shutil.rmtree(self._home.sandbox(run.task), ignore_errors=True)

    def kill(self, run: Run) -> None:
        """Ends a run: SIGTERM to its group, SIGKILL after 3 s. It counts as failed."""
        if run.task.kill_reason is None:
            run.task.kill_reason, run.task.state = "", model.KILLING
            processes.in_background(processes.end(run.task, processes.GRACE_SECONDS))

    async def forget(self, job: Job) -> None:
        """Ends the runs of a job and removes it, with its history and sandboxes."""
        # Another run may be started while these end.
        while job.active:
            runs = list(job.active.values())
            for run in runs:
                self.kill(run)
            for run in runs:
                await run.task.exited.wait()
        for run in job.ended:
            self._clear(run)
        if self._state.jobs.get(job.id) is job:
            del self._state.jobs[job.id]
        self._save()

    def adopt(self) -> set[str]:
        """Takes over the runs of a killed agent; returns the ids of the tasks that still run.

        If a run has ended since, its sandbox states how; if it does not, the run has failed.
        """
        adopted = set()
        for job in self._state.jobs.values():
            for run in list(job.active.values()):
                task = run.task
                if processes.is_same(task.pid, task.created):
                    adopted.add(task.id)
                    self._follow(job, run)
                    if task.state == model.KILLING:
                        self.kill(run)
                else:
                    self._ended(job, run, self._told(run))
        return adopted

    async def stop(self) -> None:
        """Ends every run and waits for it, because no run may continue without an agent."""
        runs = [run for job in self._state.jobs.values() for run in job.active.values()]
        for run in runs:
            self.kill(run)
        for run in runs:
            await run.task.exited.wait()
