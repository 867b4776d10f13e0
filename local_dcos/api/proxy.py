"""/service/<name>/…: a reverse proxy to the port of an app, like DC/OS' Admin Router."""

import re
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from http_relay.relay import Relay
from local_dcos.agent import Agent
from local_dcos.api.requests import COOKIE
from local_dcos.api.sessions import SERVICE_ROUTE, SESSION_COOKIE
from local_dcos.errors import ApiError
from local_dcos.launching import PROXY_HEADER, PROXY_USER_HEADER
from local_dcos.model import RUNNING, Task
from local_dcos.ports import HOST, is_another_users

SCHEMES = ("http", "https")
PORT_INDEX = re.compile(r"[0-9]{1,3}")
# The token, which apps must not see; the user, whom only the proxy names to them; and how a body was
# compressed, since aiohttp has decompressed what the cluster receives.
HIDDEN = ("authorization", PROXY_USER_HEADER, "content-encoding")
# A browser also sends the cookies of other clusters on this machine.
HIDDEN_COOKIES = (COOKIE, f"{SESSION_COOKIE}-*")
CONNECT_SECONDS = 5.0
MAX_MESSAGE_BYTES = 4 * 1024 * 1024


class Proxy:
    """Passes requests, streams and websockets to the app that carries the label DCOS_SERVICE_NAME."""

    def __init__(self, agent: Agent, user: Callable[[web.Request], str]) -> None:
        """user: returns the user whom the login of a request names, or ""."""
        self._state = agent.state
        self._user = user
        self._relay = Relay(
            hidden=HIDDEN,
            hidden_cookies=HIDDEN_COOKIES,
            connect_seconds=CONNECT_SECONDS,
            max_message_bytes=MAX_MESSAGE_BYTES,
        )

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/service/{name}", self.with_slash),
            web.route("*", "/service/{name}/{path:.*}", self.handle, name=SERVICE_ROUTE),
        ]

    async def session(self, app: web.Application) -> AsyncIterator[None]:
        """Keeps connections to apps for the life of the server."""
        await self._relay.open()
        yield
        await self._relay.close()

    def _target(self, request: web.Request) -> tuple[str, Task]:
        """Returns the address that a request goes to, always on this machine, and the task behind it."""
        name = request.match_info["name"]
        for app in self._state.apps.values():
            labels = app.definition["labels"]
            if labels.get("DCOS_SERVICE_NAME") != name:
                continue
            index, scheme = (
                labels.get("DCOS_SERVICE_PORT_INDEX", "0"),
                labels.get("DCOS_SERVICE_SCHEME", "http"),
            )
            if scheme not in SCHEMES or not PORT_INDEX.fullmatch(index):
                raise ApiError(
                    503,
                    f"Service '{name}' has a wrong port index or scheme in its labels: {index!r}, {scheme!r}",
                )
            running = [task for task in self._state.tasks_of(app.id) if task.state == RUNNING]
            fitting = [task for task in running if int(index) < len(task.ports)]
            if not fitting:
                raise ApiError(503, f"Service '{name}' has no running task")
            port = fitting[0].ports[int(index)]
            if is_another_users(port):
                # It would read the task's secret, and what the user's browser sends.
                raise ApiError(502, f"Service '{name}' does not answer: another user listens on port {port}")
            path = request.raw_path
            if labels.get("DCOS_SERVICE_REWRITE_REQUEST_URLS", "true") == "true":
                path = path.removeprefix(f"/service/{name}")
            return f"{scheme}://{HOST}:{port}/{path.lstrip('/')}", fitting[0]
        raise ApiError(404, f"Service '{name}' does not exist")

    async def with_slash(self, request: web.Request) -> web.StreamResponse:
        """Redirects to the address with a slash: relative links in pages need it."""
        query = f"?{request.query_string}" if request.query_string else ""
        raise web.HTTPMovedPermanently(f"{request.rel_url.raw_path}/{query}")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        url, task = self._target(request)
        try:
            return await self._relay.pass_on(request, URL(url, encoded=True), self._headers(request, task))
        except (aiohttp.ClientError, ValueError) as error:
            message = f"Service '{request.match_info['name']}' does not answer: {error}"
            raise ApiError(502, message) from error

    def _headers(self, request: web.Request, task: Task) -> CIMultiDict[str]:
        headers = self._relay.headers(request)
        headers[PROXY_HEADER] = task.secret
        if user := self._user(request):
            headers[PROXY_USER_HEADER] = user
        return headers
