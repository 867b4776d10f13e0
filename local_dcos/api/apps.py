"""Marathon's /v2/apps and /v2/tasks."""

from aiohttp import web

from local_dcos import definition, views
from local_dcos.agent import Agent
from local_dcos.api.requests import answer, body, is_set, object_body
from local_dcos.changes import Changes
from local_dcos.errors import ApiError
from local_dcos.model import App, Deployment, Json, Task
from local_dcos.ports import HOST


def accepted(deployment: Deployment, status: int = 200) -> web.Response:
    """Returns the answer to a change: what to follow it by."""
    document = {"version": deployment.version, "deploymentId": deployment.id}
    return answer(document, status, Marathon_Deployment_Id=deployment.id)


class Apps:
    """The handlers; `routes` mounts them below a prefix."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._state = agent.state
        self._changes = Changes(agent)

    def routes(self, prefix: str) -> list[web.RouteDef]:
        one = f"{prefix}/v2/apps/{{id:.+?}}"
        return [
            web.get(f"{prefix}/v2/apps", self.list_all),
            web.get(f"{prefix}/v2/apps/", self.list_all),
            web.post(f"{prefix}/v2/apps", self.create),
            web.put(f"{prefix}/v2/apps", self.update_all),
            web.post(f"{one}/restart", self.restart),
            web.get(f"{one}/versions", self.versions),
            web.get(f"{one}/versions/{{version}}", self.version),
            web.get(f"{one}/tasks", self.tasks),
            web.delete(f"{one}/tasks", self.kill_tasks),
            web.delete(f"{one}/tasks/{{task}}", self.kill_tasks),
            web.get(one, self.show),
            web.put(one, self.update),
            web.patch(one, self.update),
            web.delete(one, self.remove),
            web.get(f"{prefix}/v2/tasks", self.all_tasks),
            web.post(f"{prefix}/v2/tasks/delete", self.kill_named),
        ]

    @staticmethod
    def _embeds_tasks(request: web.Request) -> bool:
        return any(one in ("app.tasks", "apps.tasks") for one in request.query.getall("embed", []))

    async def list_all(self, request: web.Request) -> web.Response:
        with_tasks, wanted = self._embeds_tasks(request), request.query
        apps = [
            views.app_view(self._state, app, with_tasks=with_tasks)
            for app in self._state.apps.values()
            if wanted.get("id", "") in app.id
            and wanted.get("cmd", "") in app.definition.get("cmd", "")
            and _has_labels(app, wanted.get("label", ""))
        ]
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
        app_id = definition.absolute_id(request.match_info["id"])
        document = {"id": app_id, **await object_body(request)}
        if definition.absolute_id(str(document["id"])) != app_id:
            details = [{"path": "/id", "errors": [f"must be {app_id}"]}]
            raise ApiError(422, "Object is not valid", {"details": details})
        is_new = app_id not in self._state.apps
        deployment = self._changes.update([{**document, "id": app_id}], force=is_set(request, "force"))
        return accepted(deployment, 201 if is_new else 200)

    async def update_all(self, request: web.Request) -> web.Response:
        documents = await body(request)
        if not isinstance(documents, list):
            raise ApiError(400, "Invalid JSON", {"details": "an array was expected"})
        return accepted(self._changes.update(documents, force=is_set(request, "force")))

    async def remove(self, request: web.Request) -> web.Response:
        return accepted(self._changes.remove(request.match_info["id"], force=is_set(request, "force")))

    async def restart(self, request: web.Request) -> web.Response:
        return accepted(self._changes.restart(request.match_info["id"], force=is_set(request, "force")))

    async def versions(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        return answer({"versions": sorted(app.versions, reverse=True)})

    async def version(self, request: web.Request) -> web.Response:
        app, version = self._changes.app(request.match_info["id"]), request.match_info["version"]
        if version not in app.versions:
            raise ApiError(404, f"App '{app.id}' does not have the version '{version}'")
        return answer(app.versions[version])

    async def tasks(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        tasks = self._state.tasks_of(app.id)
        return answer({"tasks": [views.task_view(app, task) for task in tasks]})

    async def all_tasks(self, request: web.Request) -> web.Response:
        apps = self._state.apps
        return answer({"tasks": [views.task_view(apps.get(t.app_id), t) for t in self._state.tasks.values()]})

    async def kill_tasks(self, request: web.Request) -> web.Response:
        app = self._changes.app(request.match_info["id"])
        name, host = request.match_info.get("task"), request.query.get("host")
        tasks = [
            task
            for task in self._state.tasks_of(app.id)
            if name in (None, task.id) and host in (None, "*", HOST, "localhost")
        ]
        if name and not tasks:
            raise ApiError(404, f"Task '{name}' does not exist")
        result = self._kill(tasks, scale=is_set(request, "scale"))
        return result if isinstance(result, web.Response) else answer({"task" if name else "tasks": result})

    async def kill_named(self, request: web.Request) -> web.Response:
        ids = (await object_body(request)).get("ids")
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise ApiError(400, 'Name the tasks: {"ids": ["…"]}')
        tasks = [self._state.tasks[one] for one in ids if one in self._state.tasks]
        result = self._kill(tasks, scale=is_set(request, "scale"))
        return result if isinstance(result, web.Response) else answer({"tasks": result})

    def _kill(self, tasks: list[Task], *, scale: bool) -> web.Response | list[Json]:
        shown = [views.task_view(self._state.apps.get(task.app_id), task) for task in tasks]
        answered: web.Response | None = None
        if scale:
            amounts: dict[str, int] = {}
            for task in tasks:
                app = self._changes.app(task.app_id)
                amounts[app.id] = amounts.get(app.id, app.instances) - 1
            answered = accepted(self._changes.scale(amounts, force=True))
        for task in tasks:
            self._agent.scheduler.kill(task)
        return answered or shown


def _has_labels(app: App, selector: str) -> bool:
    for wanted in filter(None, selector.split(",")):
        key, _, value = wanted.partition("==")
        if app.definition["labels"].get(key) != value and (value or key not in app.definition["labels"]):
            return False
    return True
