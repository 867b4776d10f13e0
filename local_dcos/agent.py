"""The agent: the model, the scheduler and the deployments, tied together."""

import asyncio
import json
import logging

from local_dcos.deployments import Deployments
from local_dcos.home import Home
from local_dcos.jobs.runs import Runs
from local_dcos.model import App, Json
from local_dcos.ports import SERVICE_PORTS, pick
from local_dcos.sandbox import LOG_FILES, rotate
from local_dcos.scheduling import Scheduler
from local_dcos.stamps import stamp
from local_dcos.store import State

TIDY_SECONDS = 2.0
SAVE_AGAIN_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Agent:
    """One running cluster. Everything happens on one event loop, so nothing needs a lock."""

    def __init__(self, home: Home, token: str) -> None:
        self.home = home
        self.token = token
        self.state = State(home)
        self.scheduler = Scheduler(home, self.state, self.changed)
        self.deployments = Deployments(self.state, self.changed, self.emit, self.save)
        self.runs = Runs(home, self.state, self.save)
        self.listeners: set[asyncio.Queue[str]] = set()
        self._dirty: dict[str, App] = {}
        self._is_settling = False
        self._saving_again: asyncio.TimerHandle | None = None
        self._tidying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Adopts what runs, and brings every app to its wanted state."""
        self.scheduler.adopt(self.runs.adopt())
        for deployment in self.state.deployments.values():
            for step in deployment.steps[deployment.step + 1 :]:
                for action in step:
                    if action["app"] in self.state.apps:
                        self.state.apps[str(action["app"])].held = True
        for app in list(self.state.apps.values()):
            self.changed(app)
        self._tidying = asyncio.create_task(self._tidy())

    async def stop(self) -> None:
        """Ends every task."""
        if self._tidying:
            self._tidying.cancel()
        await self.runs.stop()
        await self.scheduler.stop()
        self.save()

    def save(self) -> str | None:
        """Saves the state; returns None, or why that can't be done now. It is tried again until it can."""
        if self._saving_again:
            self._saving_again.cancel()
        try:
            self.state.save()
        except OSError as error:
            reason = f"The state can't be saved in {self.home.state_file}: {error.strerror or error}"
            if self._saving_again is None:
                _log.error("%s. It is tried again every %g s.", reason, SAVE_AGAIN_SECONDS)
            self._saving_again = asyncio.get_running_loop().call_later(SAVE_AGAIN_SECONDS, self.save)
            return reason
        if self._saving_again is not None:
            # The disk that could not take the state could not take the first message either.
            _log.error("The state could not be saved for a while; it is saved again")
        self._saving_again = None
        return None

    def changed(self, app: App | None) -> None:
        """Notes that something happened to an app; acts on it in the next turn of the loop."""
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
                # In the next turn: an app that never comes to rest leaves time for everything else.
                self.changed(None)
            else:
                self.save()
                self.emit("status_update_event", {})

    def emit(self, kind: str, body: Json) -> None:
        """Tells the listeners of /v2/events."""
        if self.listeners:
            data = json.dumps({"eventType": kind, "timestamp": stamp(), **body})
            # A listener that does not read is let go.
            self.listeners -= {listener for listener in self.listeners if listener.full()}
            for listener in self.listeners:
                listener.put_nowait(f"event: {kind}\ndata: {data}\n\n")

    def service_port(self) -> int:
        """Returns a service port that no definition uses."""
        taken = set()
        for app in self.state.apps.values():
            ports = app.definition.get("portDefinitions", [])
            mappings = app.definition.get("container", {}).get("portMappings", [])
            taken |= {one["port"] for one in ports} | {one["servicePort"] for one in mappings}
        return pick(SERVICE_PORTS, taken)

    async def _tidy(self) -> None:
        """Keeps logs small, and the token where clients look for it."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            rotate(self.home.agent_log)
            for task in [*self.state.tasks.values(), *self.state.run_tasks()]:
                for name in LOG_FILES:
                    rotate(self.home.sandboxes / task.id / name)
            self.home.restore_token(self.token)
