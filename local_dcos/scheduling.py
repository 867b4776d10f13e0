"""Bringing each app to its wanted state: what to launch, what to kill, and when.

`Scheduler.reconcile` looks at an app and acts; it is called after everything that may matter to the app.
Nothing is remembered between two calls but what the model holds, so a restarted agent goes on where the old
one stopped.
"""

import asyncio
import contextlib
import math
import signal
import time
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import psutil

from local_dcos import launching, model, processes
from local_dcos.errors import LaunchError
from local_dcos.health import Checker
from local_dcos.home import Home
from local_dcos.model import App, Json, Task
from local_dcos.ports import HOST
from local_dcos.sandbox import last_line
from local_dcos.stamps import stamp
from local_dcos.store import State

PORT_RETRY_SECONDS = 0.5
DEFAULT_GRACE_SECONDS = 3


class Scheduler:
    """Launches and kills tasks so that every app becomes what its definition says."""

    def __init__(self, home: Home, state: State, changed: Callable[[App | None], None]) -> None:
        self._home = home
        self._state = state
        self._changed = changed
        self._checker = Checker(home, self._health_changed, self.kill)
        self._jobs: set[asyncio.Task[None]] = set()
        self.stopping = False

    def reconcile(self, app: App) -> None:
        """Takes the next steps towards the app's wanted state, those that are possible now."""
        if self.stopping:
            return
        if app.held:
            return
        tasks = self._state.tasks_of(app.id)
        if app.deleting:
            for task in tasks:
                self.kill(task)
            if not tasks and self._state.apps.get(app.id) is app:
                self._cancel_timer(app)
                del self._state.apps[app.id]
                self._changed(app)
            return
        live = [task for task in tasks if task.kill_reason is None]
        upgrading = app.deployment is not None
        old = [task for task in live if upgrading and task.config_version != app.last_config_change_at]
        new = [task for task in live if task not in old]
        for task in self._surplus(app, new):
            self.kill(task)
        low, high = self._capacity(app)
        spare = sum(task.is_good for task in live) - low
        for task in old:
            if not task.is_good or spare > 0:
                spare -= task.is_good
                self.kill(task)
        wanted = app.instances - len(new)
        room = (high if old else app.instances) - len(tasks)
        self._launch(app, min(wanted, room), wanted)

    @staticmethod
    def _capacity(app: App) -> tuple[int, int]:
        """Returns how many tasks must stay good, and how many may exist, while an upgrade goes on."""
        strategy, wanted = app.definition["upgradeStrategy"], app.instances
        low = math.ceil(wanted * strategy["minimumHealthCapacity"])
        high = int(wanted * (1 + strategy["maximumOverCapacity"]))
        # With both limits tight nothing could ever move: Marathon then takes one more, too.
        return low, max(high, wanted + 1) if low == wanted else max(high, wanted)

    @staticmethod
    def _surplus(app: App, tasks: list[Task]) -> list[Task]:
        oldest_first = app.definition["killSelection"] == "OLDEST_FIRST"
        # What isn't good goes before what is.
        ranked = sorted(tasks, key=lambda task: task.staged_at, reverse=not oldest_first)
        ranked.sort(key=lambda task: task.is_good)
        return ranked[: max(0, len(tasks) - app.instances)]

    def _launch(self, app: App, count: int, wanted: int) -> None:
        if wanted <= 0:
            app.waiting_since = None
            self._cancel_timer(app)
            return
        app.waiting_since = app.waiting_since or time.time()
        delay = app.next_launch - time.time()
        if delay > 0:
            self._later(app, delay)
            return
        for _ in range(count):
            try:
                self._launch_one(app)
            except launching.PortTaken:
                app.rejected("InsufficientPorts")
                self._later(app, PORT_RETRY_SECONDS)
                return
            except LaunchError:
                return
            wanted -= 1
        if wanted <= 0:
            app.waiting_since = None

    def _launch_one(self, app: App) -> None:
        definition = app.definition
        if definition["mem"] * 1024 * 1024 > psutil.virtual_memory().total:
            app.rejected("InsufficientMemory")
            raise LaunchError("The app asks for more memory than the machine has")
        taken = {port for task in self._state.tasks.values() for port in task.ports}
        name = app.id.strip("/").replace("/", "_")
        task = Task(
            id=f"{name}.instance-{uuid.uuid4()}._app.1",
            app_id=app.id,
            version=app.version,
            config_version=app.last_config_change_at,
            ports=launching.host_ports(definition, taken),
            staged_at=stamp(),
        )
        app.launched()
        try:
            task.process = launching.launch(self._home, task, definition)
        except LaunchError as error:
            self._ended(task, model.FAILED, str(error))
            raise
        task.pid = task.process.pid
        task.created = processes.identity(task.pid) or time.time()
        task.state, task.started_at = model.RUNNING, stamp()
        self._state.tasks[task.id] = task
        self._state.save()
        self.watch(task, definition)
        self._changed(app)

    def watch(self, task: Task, definition: Json) -> None:
        """Follows a running task, launched or adopted: its checks and its end."""
        self._checker.watch(task, definition)
        self._run(self._follow(task))

    async def _follow(self, task: Task) -> None:
        await processes.wait_for_exit(task.pid, task.created)
        code = task.process.wait() if task.process else processes.exit_status(task.pid)
        # Nothing of a task outlives its main process: neither its group nor what left the group.
        processes.signal_group(task.pid, signal.SIGKILL)
        await asyncio.to_thread(processes.end_marked, self._home.path, lambda name: name == task.id)
        for watcher in task.watchers:
            watcher.cancel()
        self._state.tasks.pop(task.id, None)
        if task.kill_reason is not None:
            self._ended(task, model.KILLED, task.kill_reason or "Killed")
        elif code == 0:
            self._ended(task, model.FINISHED, "Command exited with status 0")
        else:
            said = last_line(self._home.sandboxes / task.id / "stderr")
            self._ended(task, model.FAILED, _how(code) + (f": {said[:500]}" if said else ""))

    def _ended(self, task: Task, state: str, message: str) -> None:
        task.state, task.message, task.finished_at = state, message, stamp()
        self._state.completed(task)
        task.exited.set()
        app = self._state.apps.get(task.app_id)
        if app is not None:
            # Ended because it was unhealthy, or by itself: not because somebody wanted it gone.
            if state == model.FAILED or (state == model.KILLED and task.kill_reason):
                app.last_failure = self._failure(task)
            if state != model.KILLED or task.kill_reason:
                app.failed(task)
        self._state.save()
        self._changed(app)

    @staticmethod
    def _failure(task: Task) -> Json:
        return {
            "appId": task.app_id,
            "host": HOST,
            "message": task.message,
            "slaveId": "local-S0",
            "state": task.state,
            "taskId": task.id,
            "timestamp": task.finished_at,
            "version": task.version,
        }

    def kill(self, task: Task, reason: str = "") -> None:
        """Ends a task: SIGTERM to its group, SIGKILL after its grace. A `reason` makes it a failure."""
        if task.kill_reason is None:
            task.kill_reason, task.state = reason, model.KILLING
            self._run(self._end(task))
            self._changed(self._state.apps.get(task.app_id))

    async def _end(self, task: Task) -> None:
        app = self._state.apps.get(task.app_id)
        grace = app.definition_of(task).get("taskKillGracePeriodSeconds") if app else None
        processes.signal_group(task.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEFAULT_GRACE_SECONDS if grace is None else float(grace)):
                await task.exited.wait()
        if not task.exited.is_set():
            processes.signal_group(task.pid, signal.SIGKILL)
            await task.exited.wait()

    async def stop(self) -> None:
        """Ends every task and waits until all are gone. The apps stay: the next agent starts them again."""
        self.stopping = True
        for app in self._state.apps.values():
            self._cancel_timer(app)
        tasks = list(self._state.tasks.values())
        for task in tasks:
            self.kill(task)
        await asyncio.gather(*(task.exited.wait() for task in tasks))
        await asyncio.to_thread(processes.end_marked, self._home.path, lambda _: True)

    def adopt(self) -> None:
        """Takes over the tasks of an agent that was killed; ends what else of this home still runs."""
        lost = []
        for task in list(self._state.tasks.values()):
            app = self._state.apps.get(task.app_id)
            if app is not None and processes.is_same(task.pid, task.created):
                self.watch(task, app.definition_of(task))
            else:
                lost.append(task)
                del self._state.tasks[task.id]
        adopted = set(self._state.tasks)
        processes.end_marked(self._home.path, lambda name: name not in adopted)
        for task in lost:
            self._ended(task, model.FAILED, "Ended while the agent was away")

    def _health_changed(self, task: Task) -> None:
        self._changed(self._state.apps.get(task.app_id))

    def _later(self, app: App, seconds: float) -> None:
        self._cancel_timer(app)
        loop = asyncio.get_running_loop()
        app.timer = loop.call_later(seconds + 0.001, self._changed, app)

    @staticmethod
    def _cancel_timer(app: App) -> None:
        if app.timer is not None:
            app.timer.cancel()
            app.timer = None

    def _run(self, job: Coroutine[Any, Any, None]) -> None:
        running = asyncio.create_task(job)
        self._jobs.add(running)
        running.add_done_callback(self._jobs.discard)


def _how(code: int | None) -> str:
    if code is None:
        return "Command ended, its status is not known"
    if code >= 0:
        return f"Command exited with status {code}"
    with contextlib.suppress(ValueError):
        return f"Command terminated with signal {signal.Signals(-code).name}"
    return f"Command terminated with signal {-code}"
