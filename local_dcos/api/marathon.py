"""The rest of Marathon's API: deployments, the launch queue, groups, information."""

from aiohttp import web

from local_dcos import views
from local_dcos.agent import Agent
from local_dcos.api.apps import accepted
from local_dcos.api.requests import answer, is_set
from local_dcos.errors import ApiError

MARATHON_VERSION = "1.9.109"


class Marathon:
    """The handlers. `routes` mounts them below a prefix."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._state = agent.state

    def routes(self, prefix: str) -> list[web.RouteDef]:
        return [
            web.get(f"{prefix}/ping", self.ping),
            web.get(f"{prefix}/v2/info", self.info),
            web.get(f"{prefix}/v2/queue", self.queue),
            web.get(f"{prefix}/v2/groups", self.groups),
            web.get(f"{prefix}/v2/deployments", self.list_deployments),
            web.delete(f"{prefix}/v2/deployments/{{id}}", self.cancel_deployment),
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

    async def queue(self, request: web.Request) -> web.Response:
        with_offers = "lastUnusedOffers" in request.query.getall("embed", [])
        return answer({"queue": views.queue_view(self._state, with_offers=with_offers)})

    async def groups(self, request: web.Request) -> web.Response:
        return answer(views.group_view(self._state))

    async def list_deployments(self, request: web.Request) -> web.Response:
        return answer([views.deployment_view(each) for each in self._state.deployments.values()])

    async def cancel_deployment(self, request: web.Request) -> web.Response:
        """Stops a deployment (?force=true) or rolls it back."""
        name = request.match_info["id"]
        deployment = self._state.deployments.get(name)
        if deployment is None:
            raise ApiError(404, f"DeploymentPlan {name} does not exist")
        if is_set(request, "force"):
            self._agent.deployments.cancel(deployment)
            return web.Response(status=202)
        return accepted(self._agent.deployments.roll_back(deployment))
