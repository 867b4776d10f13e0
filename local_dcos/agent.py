"""The agent: the state, the scheduler and the deployments, tied together."""

import asyncio
import logging

from local_dcos.definition import port_list
from local_dcos.deployments import Deployments
from local_dcos.home import Home
from local_dcos.jobs.runs import Runs
from local_dcos.model import App
from local_dcos.nodes.nodes import Nodes
from local_dcos.ports import SERVICE_PORTS, pick
from local_dcos.sandbox import LOG_FILES, rotate
from local_dcos.scheduling import Scheduler
from local_dcos.store import State

TIDY_SECONDS = 2.0
SAVE_RETRY_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Agent:
    """One running cluster. Everything happens on one event loop, so nothing needs a lock."""

    def __init__(self, home: Home, token: str) -> None:
        self.home = home
        self.token = token
        self.state = State(home)
        self.nodes = Nodes(home, self.state, self.save)
        self.scheduler = Scheduler(home, self.state, self.nodes, self.changed)
        self.deployments = Deployments(self.state, self.changed, self.save)
        self.runs = Runs(home, self.state, self.nodes, self.save)
        self._dirty: dict[str, App] = {}
        self._is_settling = False
        self._save_retry: asyncio.TimerHandle | None = None
        self._tidying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Adopts the tasks that run and reconciles every app."""
        self.scheduler.adopt(self.runs.adopt() | self.nodes.adopt())
        self.nodes.start(self.scheduler.forget_tasks_of)
        for app in list(self.state.apps.values()):
            self.changed(app)
        self._tidying = asyncio.create_task(self._tidy())

    async def stop(self) -> None:
        """Ends every task."""
        if self._tidying:
            self._tidying.cancel()
        self.nodes.stop()
        await self.runs.stop()
        await self.scheduler.stop()
        self.save()

    def save(self) -> str | None:
        """Saves the state. Returns None, or why that failed; then the agent retries until it succeeds."""
        if self._save_retry:
            self._save_retry.cancel()
        try:
            self.state.save()
        except OSError as error:
            reason = f"The state can't be saved in {self.home.state_file}: {error.strerror or error}"
            if self._save_retry is None:
                _log.error("%s. The agent retries every %g s.", reason, SAVE_RETRY_SECONDS)
            self._save_retry = asyncio.get_running_loop().call_later(SAVE_RETRY_SECONDS, self.save)
            return reason
        if self._save_retry is not None:
            # The full disk that refused the state may have refused the first message too.
            _log.error("The state could not be saved for a while; it is saved again")
        self._save_retry = None
        return None

    def changed(self, app: App | None) -> None:
        """Reconciles an app in the next turn of the loop. None stands for no app in particular."""
        if app is not None:
            self._dirty[app.id] = app
        if not self._is_settling:
            self._is_settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        dirty, self._dirty = self._dirty, {}
        try:
            for app in dirty.values():
                self.scheduler.reconcile(app)
            self.deployments.progress()
        finally:
            self._is_settling = False
            if self._dirty:
                # Not at once: an app that never comes to rest must leave time for everything else.
                self.changed(None)
            else:
                self.save()

    def service_port(self) -> int:
        """Returns a service port that no definition uses."""
        ports = [port for app in self.state.apps.values() for port in port_list(app.definition)]
        return pick(SERVICE_PORTS, {port.get("port") or port.get("servicePort") for port in ports})

    async def _tidy(self) -> None:
        """Keeps the logs small and the token file right."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            rotate(self.home.agent_log)
            for task in [*self.state.tasks.values(), *self.state.run_tasks()]:
                for name in LOG_FILES:
                    rotate(self.home.sandbox(task) / name)
            self.home.restore_token(self.token)
