"""The rest of Marathon's API: groups, deployments, queue, information, events."""

import asyncio

from aiohttp import web

from local_dcos import views
from local_dcos.agent import Agent
from local_dcos.api.apps import accepted
from local_dcos.api.requests import answer, is_set, object_body
from local_dcos.changes import Changes
from local_dcos.errors import ApiError
from local_dcos.model import Deployment
from local_dcos.stamps import stamp

MARATHON_VERSION = "1.9.109"
KEEP_ALIVE_SECONDS = 15.0
# Of a listener that does not read.
MOST_EVENTS = 10_000


class Marathon:
    """The handlers; `routes` mounts them below a prefix."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._state = agent.state
        self._changes = Changes(agent)

    def routes(self, prefix: str) -> list[web.RouteDef]:
        groups, group = f"{prefix}/v2/groups", f"{prefix}/v2/groups/{{id:.*?}}"
        return [
            web.get(f"{prefix}/ping", self.ping),
            web.get(f"{prefix}/v2/info", self.info),
            web.get(f"{prefix}/v2/leader", self.leader),
            web.get(f"{prefix}/v2/plugins", self.plugins),
            web.get(f"{prefix}/v2/queue", self.queue),
            web.delete(f"{prefix}/v2/queue/{{id:.+}}/delay", self.reset_delay),
            web.get(f"{prefix}/v2/events", self.events),
            web.get(f"{prefix}/v2/deployments", self.list_deployments),
            web.delete(f"{prefix}/v2/deployments/{{id}}", self.cancel_deployment),
            web.get(groups, self.show_group),
            web.post(groups, self.create_group),
            web.put(groups, self.update_group),
            web.get(f"{group}/versions", self.group_versions),
            web.get(group, self.show_group),
            web.put(group, self.update_group),
            web.post(group, self.create_group),
            web.delete(group, self.remove_group),
        ]

    async def ping(self, request: web.Request) -> web.Response:
        return web.Response(text="pong")

    async def info(self, request: web.Request) -> web.Response:
        return answer(
            {
                "name": "marathon",
                "version": MARATHON_VERSION,
                "buildref": "local_dcos",
                "elected": True,
                "leader": request.host,
                "frameworkId": views.FRAMEWORK_ID,
                "marathon_config": {},
                "zookeeper_config": {},
                "event_subscriber": None,
                "http_config": {"http_port": request.url.port},
            }
        )

    async def leader(self, request: web.Request) -> web.Response:
        return answer({"leader": request.host})

    async def plugins(self, request: web.Request) -> web.Response:
        return answer({"plugins": []})

    async def queue(self, request: web.Request) -> web.Response:
        with_offers = "lastUnusedOffers" in request.query.getall("embed", [])
        return answer({"queue": views.queue_view(self._state, with_offers=with_offers)})

    async def reset_delay(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        app.delay = app.next_launch = 0.0
        self._agent.changed(app)
        return web.Response(status=204)

    async def list_deployments(self, request: web.Request) -> web.Response:
        return answer([views.deployment_view(one) for one in self._state.deployments.values()])

    def _deployment(self, request: web.Request) -> Deployment:
        name = request.match_info["id"]
        if name not in self._state.deployments:
            raise ApiError(404, f"DeploymentPlan {name} does not exist")
        return self._state.deployments[name]

    async def cancel_deployment(self, request: web.Request) -> web.Response:
        deployment = self._deployment(request)
        if is_set(request, "force"):
            self._agent.deployments.cancel(deployment)
            return web.Response(status=202)
        return accepted(self._agent.deployments.roll_back(deployment))

    def _version(self) -> str:
        return max((app.version for app in self._state.apps.values()), default=stamp(0))

    async def show_group(self, request: web.Request) -> web.Response:
        group_id = self._changes.group_id(request.match_info.get("id", "/"))
        return answer(views.group_view(self._state, group_id, self._version()))

    async def group_versions(self, request: web.Request) -> web.Response:
        self._changes.group_id(request.match_info["id"])
        return answer([self._version()])

    async def create_group(self, request: web.Request) -> web.Response:
        document = await object_body(request)
        if request.match_info.get("id"):
            document.setdefault("id", request.match_info["id"])
        return accepted(self._changes.create_group(document, force=is_set(request, "force")), 201)

    async def update_group(self, request: web.Request) -> web.Response:
        document = await object_body(request)
        group_id = request.match_info.get("id") or str(document.get("id", "/"))
        return accepted(self._changes.update_group(group_id, document, force=is_set(request, "force")))

    async def remove_group(self, request: web.Request) -> web.Response:
        return accepted(self._changes.remove_group(request.match_info["id"], force=is_set(request, "force")))

    async def events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        events: asyncio.Queue[str] = asyncio.Queue(MOST_EVENTS)
        self._agent.listeners.add(events)
        try:
            await response.write(b"event: event_stream_attached\ndata: {}\n\n")
            while events in self._agent.listeners:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        event = await events.get()
                except TimeoutError:
                    event = "\n"
                await response.write(event.encode())
        except ConnectionResetError:
            pass
        finally:
            self._agent.listeners.discard(events)
        return response
