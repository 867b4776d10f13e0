"""The agent: the model, the scheduler and the deployments, tied together."""

import asyncio
import contextlib
import json

from local_dcos.deployments import Deployments
from local_dcos.home import Home
from local_dcos.model import App, Json
from local_dcos.ports import SERVICE_PORTS, pick
from local_dcos.sandbox import LOG_FILES, rotate
from local_dcos.scheduling import Scheduler
from local_dcos.stamps import stamp
from local_dcos.store import State

ROTATE_EVERY_SECONDS = 2.0


class Agent:
    """One running cluster. Everything happens on one event loop, so nothing needs a lock."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.state = State(home)
        self.scheduler = Scheduler(home, self.state, self.changed)
        self.deployments = Deployments(self.state, self.changed, self.emit)
        self.listeners: set[asyncio.Queue[str]] = set()
        self._dirty: dict[str, App] = {}
        self._is_settling = False
        self._rotation: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Adopts what runs, and brings every app to its wanted state."""
        self.scheduler.adopt()
        for deployment in self.state.deployments.values():
            for step in deployment.steps[deployment.step + 1 :]:
                for action in step:
                    if action["app"] in self.state.apps:
                        self.state.apps[str(action["app"])].held = True
        for app in list(self.state.apps.values()):
            self.changed(app)
        self._rotation = asyncio.create_task(self._rotate())

    async def stop(self) -> None:
        """Ends every task."""
        if self._rotation:
            self._rotation.cancel()
        await self.scheduler.stop()
        self.state.save()

    def changed(self, app: App | None) -> None:
        """Notes that something happened to an app; acts on it in the next turn of the loop."""
        if app is not None:
            self._dirty[app.id] = app
        if not self._is_settling:
            self._is_settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        while self._dirty:
            dirty, self._dirty = self._dirty, {}
            for app in dirty.values():
                self.scheduler.reconcile(app)
            self.deployments.progress()
        self.deployments.progress()
        self._is_settling = False
        with contextlib.suppress(FileNotFoundError):
            self.state.save()
        self.emit("status_update_event", {})

    def emit(self, kind: str, body: Json) -> None:
        """Tells the listeners of /v2/events."""
        if self.listeners:
            data = json.dumps({"eventType": kind, "timestamp": stamp(), **body})
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

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_EVERY_SECONDS)
            rotate(self.home.agent_log)
            for task in self.state.tasks.values():
                for name in LOG_FILES:
                    rotate(self.home.sandboxes / task.id / name)
