"""The rest of Marathon's API: deployments, the launch queue, groups, information."""

import uuid

from aiohttp import web

from local_dcos import views
from local_dcos.agent import Agent
from local_dcos.api.apps import accepted
from local_dcos.api.requests import answer, is_set, object_body
from local_dcos.definition import absolute_id
from local_dcos.errors import ApiError
from local_dcos.model import Json
from local_dcos.stamps import stamp

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
            web.post(f"{prefix}/v2/groups", self.add_group),
            web.get(f"{prefix}/v2/groups/{{id}}", self.group),
            web.put(f"{prefix}/v2/groups/{{id}}", self.update_group),
            web.delete(f"{prefix}/v2/groups/{{id}}", self.remove_group),
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
        return answer({"queue": views.queue_view(self._state)})

    async def groups(self, request: web.Request) -> web.Response:
        return answer(views.group_view(self._state))

    def _group(self, request: web.Request) -> Json:
        """Returns a top-level group. Raises ApiError: 404 if there is none."""
        wanted = "/" + request.match_info["id"]
        for group in views.group_view(self._state)["groups"]:
            if group["id"] == wanted:
                return dict(group)
        raise ApiError(404, f"Group '{wanted}' does not exist")

    async def group(self, request: web.Request) -> web.Response:
        return answer(self._group(request))

    async def add_group(self, request: web.Request) -> web.Response:
        """Adds a top-level group without apps. Its apps get its role if it enforces that."""
        document = await object_body(request)
        name = absolute_id(str(document.get("id", "/")))
        if name.count("/") != 1 or name == "/" or document.get("apps") or document.get("groups"):
            raise ApiError(422, "This cluster adds only empty groups at the top level, such as /dev")
        if name in [group["id"] for group in views.group_view(self._state)["groups"]]:
            raise ApiError(409, f"Group {name} is already created. Use PUT to change this group.")
        return self._keep_group(name, document, 201)

    async def update_group(self, request: web.Request) -> web.Response:
        group = self._group(request)
        return self._keep_group(group["id"], await object_body(request), 200)

    def _keep_group(self, name: str, document: Json, status: int) -> web.Response:
        enforced = document.get("enforceRole", self._state.groups.get(name, {}).get("enforceRole", False))
        if not isinstance(enforced, bool):
            raise ApiError(422, "enforceRole is true or false")
        self._state.groups[name] = {"enforceRole": enforced}
        self._agent.save()
        return answer({"version": stamp(), "deploymentId": str(uuid.uuid4())}, status)

    async def remove_group(self, request: web.Request) -> web.Response:
        """Removes a group with all its apps."""
        name = self._group(request)["id"]
        for app_id in [each for each in self._state.apps if each.startswith(f"{name}/")]:
            self._agent.deployments.begin(app_id, None, force=is_set(request, "force"))
        self._state.groups.pop(name, None)
        self._agent.save()
        return answer({"version": stamp(), "deploymentId": str(uuid.uuid4())})

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
