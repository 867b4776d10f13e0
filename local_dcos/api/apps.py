"""Marathon's /v2/apps and /v2/tasks."""

from aiohttp import web

from local_dcos import views
from local_dcos.agent import Agent
from local_dcos.api.requests import answer, is_set, object_body
from local_dcos.changes import Changes, version_of
from local_dcos.definition import absolute_id
from local_dcos.errors import ApiError
from local_dcos.model import Deployment, Json, Task
from local_dcos.ports import HOST


def accepted(deployment: Deployment, status: int = 200) -> web.Response:
    """Returns the answer to a change: the deployment that a client can follow."""
    document = {"version": deployment.version, "deploymentId": deployment.id}
    return answer(document, status, Marathon_Deployment_Id=deployment.id)


class Apps:
    """The handlers. `routes` mounts them below a prefix."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._state = agent.state
        self._changes = Changes(agent)

    def routes(self, prefix: str) -> list[web.RouteDef]:
        app = f"{prefix}/v2/apps/{{id:.+?}}"
        return [
            web.get(f"{prefix}/v2/apps", self.list_all),
            web.get(f"{prefix}/v2/apps/", self.list_all),
            web.post(f"{prefix}/v2/apps", self.create),
            web.post(f"{app}/restart", self.restart),
            web.get(f"{app}/versions", self.versions),
            web.get(f"{app}/versions/{{version}}", self.version),
            web.get(f"{app}/tasks", self.tasks),
            web.delete(f"{app}/tasks", self.kill_tasks),
            web.delete(f"{app}/tasks/{{task}}", self.kill_task),
            web.get(app, self.show),
            web.put(app, self.update),
            web.patch(app, self.update),
            web.delete(app, self.remove),
            web.get(f"{prefix}/v2/tasks", self.all_tasks),
            web.post(f"{prefix}/v2/tasks/delete", self.kill_named),
        ]

    async def list_all(self, request: web.Request) -> web.Response:
        with_tasks = bool({"app.tasks", "apps.tasks"}.intersection(request.query.getall("embed", [])))
        apps = [views.app_view(self._state, app, with_tasks=with_tasks) for app in self._state.apps.values()]
        return answer({"apps": apps})

    async def create(self, request: web.Request) -> web.Response:
        app, deployment = self._changes.create(await object_body(request), force=is_set(request, "force"))
        view = views.app_view(self._state, app)
        view["deployments"] = [{"id": deployment.id}]
        return answer(view, 201, Marathon_Deployment_Id=deployment.id, Location=f"/v2/apps{app.id}")

    async def show(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        return answer({"app": views.app_view(self._state, app, with_tasks=True)})

    async def update(self, request: web.Request) -> web.Response:
        app_id, document = request.match_info["id"], await object_body(request)
        is_new = absolute_id(app_id) not in self._state.apps
        deployment = self._changes.update(app_id, document, force=is_set(request, "force"))
        return accepted(deployment, 201 if is_new else 200)

    async def remove(self, request: web.Request) -> web.Response:
        return accepted(self._changes.remove(request.match_info["id"], force=is_set(request, "force")))

    async def restart(self, request: web.Request) -> web.Response:
        return accepted(self._changes.restart(request.match_info["id"], force=is_set(request, "force")))

    async def versions(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        return answer({"versions": sorted(app.versions, reverse=True)})

    async def version(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        return answer(version_of(app, request.match_info["version"]))

    async def tasks(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        return answer(
            {"tasks": self._shown([*self._state.tasks_of(app.id), *self._state.unreachable_of(app.id)])}
        )

    async def all_tasks(self, request: web.Request) -> web.Response:
        return answer(
            {"tasks": self._shown([*self._state.tasks.values(), *self._state.unreachable.values()])}
        )

    async def kill_tasks(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        matches = request.query.get("host", HOST) in (HOST, "*", "localhost")
        return self._kill(request, self._state.tasks_of(app.id) if matches else [], "tasks")

    async def kill_task(self, request: web.Request) -> web.Response:
        app, name = self._changes.app(request.match_info["id"]), request.match_info["task"]
        tasks = [task for task in self._state.tasks_of(app.id) if task.id == name]
        if not tasks:
            raise ApiError(404, f"Task '{name}' does not exist")
        return self._kill(request, tasks, "task")

    async def kill_named(self, request: web.Request) -> web.Response:
        ids = (await object_body(request)).get("ids")
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise ApiError(400, 'Name the tasks: {"ids": ["…"]}')
        return self._kill(
            request, [self._state.tasks[each] for each in ids if each in self._state.tasks], "tasks"
        )

    def _kill(self, request: web.Request, tasks: list[Task], key: str) -> web.Response:
        """Kills tasks. With ?scale=true their apps get as many instances less and no new tasks."""
        shown, deployment = self._shown(tasks), None
        if is_set(request, "scale"):
            for app_id in {task.app_id for task in tasks}:
                killed = sum(task.app_id == app_id for task in tasks)
                instances = max(0, self._changes.app(app_id).instances - killed)
                deployment = self._changes.scale(app_id, instances)
        for task in tasks:
            self._agent.scheduler.kill(task)
        return accepted(deployment) if deployment else answer({key: shown})

    def _shown(self, tasks: list[Task]) -> list[Json]:
        return [views.task_view(self._state.apps.get(task.app_id), task) for task in tasks]
