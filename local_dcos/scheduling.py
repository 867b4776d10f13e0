"""The scheduler brings each app to its desired state: which tasks to launch, which to kill, and when.

`Scheduler.reconcile` is called after each event that may matter to an app. It keeps nothing between two calls
but what the model holds, so a restarted agent continues where the old one stopped.
"""

import asyncio
import contextlib
import logging
import math
import signal
import time
import uuid
from collections.abc import Callable, Collection

from local_dcos import launching, model, processes, quotas
from local_dcos.errors import LaunchError, NoOfferError
from local_dcos.health import Checker
from local_dcos.home import Home
from local_dcos.model import App, Json, Task
from local_dcos.nodes.nodes import Nodes
from local_dcos.ports import HOST
from local_dcos.sandbox import last_line
from local_dcos.stamps import seconds_of, stamp
from local_dcos.store import State

OFFER_RETRY_SECONDS = 0.5
# When the cluster stops, tasks get this long to end, even if their definitions ask for more.
STOP_GRACE_SECONDS = 60.0
STOP_KILL_SECONDS = 10.0
# An app of many instances must leave time for the others, so a turn of the loop launches a few tasks only.
LAUNCHES_PER_TURN = 5
_UNREACHABLE_KEYS = ("inactiveAfterSeconds", "expungeAfterSeconds")
_log = logging.getLogger(__name__)


class Scheduler:
    """Launches and kills tasks until every app is as its definition says."""

    def __init__(self, home: Home, state: State, nodes: Nodes, changed: Callable[[App | None], None]) -> None:
        self._home = home
        self._state = state
        self._nodes = nodes
        self._changed = changed
        self._checker = Checker(home, self._health_changed, self.kill)
        self.stopping = False

    def reconcile(self, app: App) -> None:
        """Takes the steps towards the app's desired state that are possible now.

        No app stops another: an error becomes the app's last failure, and is retried after its back-off.
        """
        if self.stopping:
            return
        try:
            self._reconcile(app)
        except NoOfferError as error:
            app.rejected(error.reason)
            self._later(app, OFFER_RETRY_SECONDS)
        except Exception as error:
            if not isinstance(error, LaunchError):
                _log.exception("App %s", app.id)
            self._failed(self._new_task(app), str(error) or repr(error))
            # An agent had what the app asks for: what was missing before is no reason any more.
            app.launched()
            self._later(app, app.next_launch - time.time())

    def _reconcile(self, app: App) -> None:
        tasks = self._state.tasks_of(app.id)
        if app.deleting:
            for task in tasks:
                self.kill(task)
            for task in self._state.unreachable_of(app.id):
                self._forget(task, model.UNREACHABLE)
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
        spare = sum(task.is_available for task in live) - low
        for task in old:
            if not task.is_available or spare > 0:
                spare -= task.is_available
                self.kill(task)
        held = sum(app.keeps_place(task) for task in self._state.unreachable_of(app.id))
        wanted = app.instances - len(new) - held
        allowed = (high if old else app.instances) - len(tasks) - held
        self._launch(app, min(wanted, allowed), wanted)

    @staticmethod
    def _capacity(app: App) -> tuple[int, int]:
        """Returns how many tasks must stay available during an upgrade, and how many may exist."""
        strategy, wanted = app.definition["upgradeStrategy"], app.instances
        low = math.ceil(wanted * strategy["minimumHealthCapacity"])
        high = int(wanted * (1 + strategy["maximumOverCapacity"]))
        # With both limits tight no task could be replaced. Marathon allows one more task then, too.
        return low, max(high, wanted + 1) if low == wanted else max(high, wanted)

    @staticmethod
    def _surplus(app: App, tasks: list[Task]) -> list[Task]:
        oldest_first = app.definition["killSelection"] == "OLDEST_FIRST"
        # Tasks that are not available are killed first.
        ranked = sorted(tasks, key=lambda task: task.staged_at, reverse=not oldest_first)
        ranked.sort(key=lambda task: task.is_available)
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
        for _ in range(min(count, LAUNCHES_PER_TURN)):
            self._launch_one(app)
            wanted -= 1
        if wanted <= 0:
            app.waiting_since = None

    @staticmethod
    def _new_task(app: App) -> Task:
        name = app.id.strip("/").replace("/", "_")
        return Task(
            id=f"{name}.instance-{uuid.uuid4()}._app.1",
            app_id=app.id,
            version=app.version,
            config_version=app.last_config_change_at,
        )

    def _launch_one(self, app: App) -> None:
        definition = app.definition
        quotas.check(self._state, app)
        task = self._new_task(app)
        taken = {port for other in self._state.tasks.values() for port in other.ports}
        task.ports = launching.host_ports(definition, taken)
        self._nodes.launch(task, definition)
        app.launched()
        self._state.tasks[task.id] = task
        self.watch(task, definition)
        self._changed(app)

    def watch(self, task: Task, definition: Json) -> None:
        """Follows a running task, launched or adopted: its process and its health checks."""
        processes.in_background(self._follow(task))
        self._checker.watch(task, definition)

    async def _follow(self, task: Task) -> None:
        code = await processes.follow(self._home.path, task)
        for watcher in task.watchers:
            watcher.cancel()
        self._state.tasks.pop(task.id, None)
        if task.kill_reason is None and self._nodes.has_lost(task):
            self._lost(task)
        else:
            self._ended(task, code)

    def _lost(self, task: Task) -> None:
        """Keeps the task of an agent that has ended, by the unreachable strategy of its app."""
        task.state, task.finished_at = model.UNREACHABLE, stamp()
        task.message = f"Agent {task.agent_id} is unreachable"
        if (app := self._state.apps.get(task.app_id)) is not None:
            self._state.unreachable[task.id] = task
            app.last_failure = self._failure(task)
            self._expect(task, app)
        task.exited.set()
        self._changed(app)

    def _expect(self, task: Task, app: App) -> None:
        """Calls back when the place of an unreachable task becomes free, and when the task is forgotten."""
        strategy = app.definition_of(task)["unreachableStrategy"]
        if strategy == "disabled":
            return
        loop, passed = asyncio.get_running_loop(), time.time() - seconds_of(task.finished_at or "")
        # A little later, since the app looks at the clock then.
        inactive, expunged = (max(0.0, strategy[key] - passed) + 0.01 for key in _UNREACHABLE_KEYS)
        loop.call_later(inactive, lambda: self._changed(self._state.apps.get(task.app_id)))
        loop.call_later(expunged, self._forget, task, model.UNREACHABLE)

    def _forget(self, task: Task, state: str) -> None:
        """Ends an unreachable task, unless it has been forgotten already."""
        if self._state.unreachable.pop(task.id, None) is not None:
            self._record(task, state, task.message)
            self._changed(self._state.apps.get(task.app_id))

    def forget_tasks_of(self, agent_id: str) -> None:
        """Ends the unreachable tasks of an agent that has come back without them."""
        for task in list(self._state.unreachable.values()):
            if task.agent_id == agent_id:
                task.message = f"Agent {agent_id} came back without it"
                self._forget(task, model.GONE)

    def _ended(self, task: Task, code: int | None) -> None:
        if task.kill_reason:
            # The task was unhealthy. Nobody asked to kill it.
            self._failed(task, task.kill_reason, model.KILLED)
        elif task.kill_reason is not None:
            self._record(task, model.KILLED, "Killed")
        elif code == 0:
            self._record(task, model.FINISHED, "Command exited with status 0")
            self._back_off(task)
        else:
            line = last_line(self._home.sandbox(task) / "stderr")
            self._failed(task, _exit_message(code) + (f": {line[:500]}" if line else ""))
        self._changed(self._state.apps.get(task.app_id))

    def _failed(self, task: Task, message: str, state: str = model.FAILED) -> None:
        self._record(task, state, message)
        self._back_off(task)
        if (app := self._state.apps.get(task.app_id)) is not None:
            app.last_failure = self._failure(task)

    def _record(self, task: Task, state: str, message: str) -> None:
        task.state, task.message, task.finished_at = state, message, stamp()
        self._state.completed(task)
        task.exited.set()

    def _back_off(self, task: Task) -> None:
        if (app := self._state.apps.get(task.app_id)) is not None:
            app.failed(task)

    @staticmethod
    def _failure(task: Task) -> Json:
        return {
            "appId": task.app_id,
            "host": HOST,
            "message": task.message,
            "slaveId": task.agent_id,
            "state": task.state,
            "taskId": task.id,
            "timestamp": task.finished_at,
            "version": task.version,
        }

    def kill(self, task: Task, reason: str = "") -> None:
        """Kills a task: SIGTERM to its group, then SIGKILL. With a `reason` it counts as a failure."""
        if task.kill_reason is None:
            task.kill_reason, task.state = reason, model.KILLING
            app = self._state.apps.get(task.app_id)
            grace = app.definition_of(task).get("taskKillGracePeriodSeconds") if app else None
            processes.in_background(
                processes.end(task, processes.GRACE_SECONDS if grace is None else float(grace))
            )
            self._changed(app)

    async def stop(self) -> None:
        """Kills every task and waits until all have ended. The next agent launches the apps again."""
        self.stopping = True
        for app in self._state.apps.values():
            self._cancel_timer(app)
        tasks = list(self._state.tasks.values())
        for task in tasks:
            self.kill(task)
        if not await self._all_exited(tasks, STOP_GRACE_SECONDS):
            for task in tasks:
                processes.signal_group(task.pid, signal.SIGKILL)
            await self._all_exited(tasks, STOP_KILL_SECONDS)
        await asyncio.to_thread(processes.end_marked, self._home.path, lambda _: True)

    @staticmethod
    async def _all_exited(tasks: list[Task], seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for task in tasks:
                    await task.exited.wait()
        return all(task.exited.is_set() for task in tasks)

    def adopt(self, others: Collection[str]) -> None:
        """Takes over the tasks of an agent that was killed. Kills all other processes of this home.

        Args:
            others: The ids of the tasks of jobs' runs, and of the agents, which are not killed.
        """
        lost = []
        for task in list(self._state.tasks.values()):
            app = self._state.apps.get(task.app_id)
            if app is None or self._nodes.has_lost(task) or not processes.is_same(task.pid, task.created):
                lost.append(task)
                del self._state.tasks[task.id]
        adopted = {*self._state.tasks, *others}
        processes.end_marked(self._home.path, lambda name: name not in adopted)
        for task in self._state.tasks.values():
            self.watch(task, self._state.apps[task.app_id].definition_of(task))
            if task.state == model.KILLING:
                # The old agent can't send SIGKILL any more.
                self.kill(task)
        for task in list(self._state.unreachable.values()):
            app = self._state.apps.get(task.app_id)
            if app is None or task.agent_id not in self._state.nodes:
                self._forget(task, model.GONE)
            else:
                self._expect(task, app)
        for task in lost:
            self._failed(task, "Ended while the agent was away")

    def _health_changed(self, task: Task) -> None:
        self._changed(self._state.apps.get(task.app_id))

    def _later(self, app: App, seconds: float) -> None:
        self._cancel_timer(app)
        loop = asyncio.get_running_loop()
        app.timer = loop.call_later(max(0.0, seconds) + 0.001, self._changed, app)

    @staticmethod
    def _cancel_timer(app: App) -> None:
        if app.timer is not None:
            app.timer.cancel()
            app.timer = None


def _exit_message(code: int | None) -> str:
    if code is None:
        return "Command ended with an unknown status"
    if code >= 0:
        return f"Command exited with status {code}"
    with contextlib.suppress(ValueError):
        return f"Command terminated with signal {signal.Signals(-code).name}"
    return f"Command terminated with signal {-code}"
