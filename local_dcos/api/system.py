"""The APIs of DC/OS beside Marathon: the state of Mesos, logs, metadata, login."""

import asyncio
import json
import os
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from local_dcos import views
from local_dcos.agent import Agent
from local_dcos.api.nodes import Nodes
from local_dcos.api.requests import answer, object_body, same
from local_dcos.errors import ApiError
from local_dcos.home import OWN_AGENT
from local_dcos.model import Json, Task
from local_dcos.ports import HOST
from local_dcos.sandbox import end_of_lines, file_in, head, read_on, tail

DCOS_VERSION = "2.0.0"
CAPABILITIES = ("PACKAGE_MANAGEMENT", "LOGGING", "LOGGING_V2", "METRONOME", "SUPPORT_CLUSTER_REPORT")
CAPABILITIES_TYPE = "application/vnd.dcos.capabilities+json;charset=utf-8;version=v1"
# A summary has some of the keys of the state.
STATE_PATHS = ("/master/state.json", "/master/state", "/state", "/master/state-summary", "/state-summary")
FOLLOW_SECONDS = 0.1


class System:
    """The handlers."""

    def __init__(self, agent: Agent, nodes: Nodes, cluster: Json) -> None:
        self._nodes = nodes
        self._agent = agent
        self._state = agent.state
        self._cluster = cluster

    def routes(self) -> list[web.RouteDef]:
        log = "/system/v1/logs/v2/task/{task}"
        return [
            *(web.get(f"/mesos{path}", self.state) for path in STATE_PATHS),
            web.get(log, self.log),
            web.get(log + "/file/{file:.+}", self.log),
            web.get("/metadata", self.metadata),
            web.get("/dcos-metadata/dcos-version.json", self.version),
            web.get("/dcos-metadata/ui-config.json", self.ui_config),
            web.get("/capabilities", self.capabilities),
            web.post("/acs/api/v1/auth/login", self.login),
        ]

    def _frameworks(self) -> list[Json]:
        jobs = self._state.jobs.values()
        return [
            {
                **self._framework(
                    views.FRAMEWORK_ID, "marathon", self._state.tasks.values(), self._state.ended
                ),
                "unreachable_tasks": [views.mesos_task(task) for task in self._state.unreachable.values()],
            },
            self._framework(
                views.JOBS_FRAMEWORK_ID,
                "metronome",
                self._state.run_tasks(),
                [run.task for job in jobs for run in job.ended],
            ),
        ]

    def _framework(self, framework: str, name: str, live: Iterable[Task], ended: Iterable[Task]) -> Json:
        return {
            "id": framework,
            "name": name,
            "active": True,
            "connected": True,
            "hostname": HOST,
            "user": os.environ.get("USER", "root"),
            "role": "*",
            "resources": {"cpus": 0, "mem": 0, "disk": 0},
            "tasks": [views.mesos_task(task, framework) for task in live],
            "completed_tasks": [views.mesos_task(task, framework) for task in ended],
            "unreachable_tasks": [],
        }

    async def state(self, request: web.Request) -> web.Response:
        return answer(
            {
                "version": "1.9.0",
                "id": self._cluster["id"],
                "cluster": self._cluster["name"],
                "hostname": HOST,
                "leader": f"master@{HOST}:5050",
                "pid": f"master@{HOST}:5050",
                "frameworks": self._frameworks(),
                "completed_frameworks": [],
                "unregistered_frameworks": [],
                "orphan_tasks": [],
                "slaves": self._nodes.views(),
            }
        )

    async def metadata(self, request: web.Request) -> web.Response:
        return answer({"PUBLIC_IPV4": HOST, "CLUSTER_ID": self._cluster["id"]})

    async def version(self, request: web.Request) -> web.Response:
        return answer({"version": DCOS_VERSION, "dcos-image-commit": "local", "bootstrap-id": "local_dcos"})

    async def ui_config(self, request: web.Request) -> web.Response:
        return answer({"uiConfiguration": {"plugins": {"mesos": {"logging-strategy": "logrotate"}}}})

    async def capabilities(self, request: web.Request) -> web.Response:
        document = {"capabilities": [{"name": name} for name in CAPABILITIES]}
        return web.Response(text=json.dumps(document), headers={"Content-Type": CAPABILITIES_TYPE})

    async def login(self, request: web.Request) -> web.Response:
        # There are no accounts. The token is the password.
        document, token = await object_body(request), self._agent.token
        given = str(document.get("password") or document.get("token") or "")
        if not same(given, token):
            raise ApiError(401, "The password of this cluster is its token")
        return answer({"token": token})

    def _file(self, request: web.Request) -> Path:
        names = request.match_info["task"], request.match_info.get("file", "stdout")
        # The sandboxes of an agent that has ended are still there.
        folders = map(self._agent.home.sandboxes_of, (OWN_AGENT, *self._state.nodes))
        found = file_in(folders, *names)
        if found is None:
            raise ApiError(404, "No such file in this task's sandbox")
        return found

    async def log(self, request: web.Request) -> web.StreamResponse:
        """Serves a log: all, its end (?cursor=END&skip=-N), ?limit=N lines, or a stream of events (SSE)."""
        path = self._file(request)
        try:
            skip = int(request.query.get("skip", 0))
            limit = int(request.query.get("limit", 0))
        except ValueError as error:
            raise ApiError(400, "skip and limit are whole numbers") from error
        at_end = request.query.get("cursor", "BEG") == "END"
        follows = "text/event-stream" in request.headers.get("Accept", "")
        # A stream goes on from here, so that a line that is half written now comes later, and once.
        end = await asyncio.to_thread(end_of_lines, path) if follows else path.stat().st_size
        # A client that lost its stream, or reached its end, goes on after the last id that it got.
        last_id = request.headers.get("Last-Event-ID", "")
        if follows and last_id.isdecimal() and len(last_id) < 16:
            return await self._follow(request, path, [], int(last_id))
        if at_end:
            lines = await asyncio.to_thread(tail, path, -skip, end)
        else:
            lines = (await asyncio.to_thread(head, path, end))[max(0, skip) :]
        lines = lines[:limit] if limit else lines
        if follows:
            return await self._follow(request, path, lines, end)
        if not lines:
            return web.Response(status=204)
        return web.Response(text="".join(f"{line}\n" for line in lines))

    async def _follow(
        self, request: web.Request, path: Path, lines: list[str], position: int
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        rest = b""
        try:
            while True:
                await _send(response, lines, position - len(rest))
                await asyncio.sleep(FOLLOW_SECONDS)
                data_now, position = read_on(path, position)
                complete, newline, rest = (rest + data_now).rpartition(b"\n")
                lines = complete.decode("utf-8", "replace").split("\n") if newline else []
                transport = request.transport
                if transport is None or transport.is_closing():
                    return response
                if not self._state.is_live(request.match_info["task"]) and not data_now:
                    # The task has ended, so its last line stays without a newline.
                    await _send(response, [rest.decode("utf-8", "replace")] if rest else [], position)
                    return response
        except (ConnectionResetError, FileNotFoundError):
            return response


async def _send(response: web.StreamResponse, lines: list[str], position: int) -> None:
    """Sends lines as events. `position` is where the client goes on after the last one.

    Only the last one has an id. A client that loses its stream before gets some lines twice, but misses none.
    """
    for number, line in enumerate(lines, 1):
        data = json.dumps({"fields": {"MESSAGE": line}})
        event_id = f"id: {position}\n" if number == len(lines) else ""
        await response.write(f"{event_id}data: {data}\n\n".encode())
