"""The proxy of the hub: it lets in who the front door has signed in, and nobody to the server of another.

It runs in the hub's own process, so it needs no Node. A server of a user never sees a login of the cluster.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp import web
from jupyterhub.proxy import Proxy
from multidict import CIMultiDict
from traitlets import Instance, Integer, Unicode
from traitlets import Set as SetOf
from yarl import URL

from http_relay.relay import Relay
from notebooks.logins import Login
from task_runtime.front_door import PROXY_HEADER, PROXY_USER_HEADER
from task_runtime.origins import is_foreign

HEALTH = "hub/health"
"""The path below the base that answers without a login."""
_CONNECT_SECONDS = 10.0
# What no server of a user must see.
_LOGINS = ("authorization", PROXY_HEADER, PROXY_USER_HEADER)
_LOGIN_COOKIES = ("dcos-acs-auth-cookie", "dcos-acs-info-cookie")


class Door(Proxy):  # type: ignore[misc]
    """JupyterHub's proxy (its Proxy API), in this process."""

    host = Unicode().tag(config=True)
    port = Integer().tag(config=True)
    login: Any = Instance(object).tag(config=True)
    """A `Login`."""
    users = SetOf(Unicode()).tag(config=True)
    secret = Unicode().tag(config=True)
    """Proves to the hub that a request came through this door."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._routes: dict[str, dict[str, Any]] = {}
        self._relay = Relay(
            hidden=_LOGINS,
            hidden_cookies=_LOGIN_COOKIES,
            connect_seconds=_CONNECT_SECONDS,
            # Outputs of notebooks have any size.
            max_message_bytes=0,
        )

    async def start(self) -> None:
        """Listen."""
        await self._relay.open()
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._handle)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()

    async def stop(self) -> None:
        """Close all connections."""
        await self._runner.cleanup()
        await self._relay.close()

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        """Send what begins with `routespec` to `target`."""
        self._routes[unquote(self.validate_routespec(routespec))] = {
            "routespec": routespec,
            "target": target,
            "data": data,
        }

    async def delete_route(self, routespec: str) -> None:
        """Forget a route, if it is known."""
        self._routes.pop(unquote(self.validate_routespec(routespec)), None)

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        """All routes by their specification."""
        return {each["routespec"]: each for each in self._routes.values()}

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if is_foreign(request.headers.get("Origin"), request.host):
            raise web.HTTPForbidden(text="Requests from other origins are not allowed.\n")
        route = self._route(unquote(request.rel_url.raw_path))
        if request.rel_url.raw_path == urlsplit(self.public_url).path + HEALTH:
            return await self._pass_on(request, route["target"], self._relay.headers(request))
        user = self._user(request)
        owner = route["data"].get("user")
        if owner not in (None, user):
            raise web.HTTPForbidden(text=f"This server belongs to {owner}.\n")
        headers = self._relay.headers(request)
        if owner is None:
            headers[PROXY_HEADER], headers[PROXY_USER_HEADER] = self.secret, user
        return await self._pass_on(request, route["target"], headers)

    def _route(self, path: str) -> dict[str, Any]:
        fitting = [spec for spec in self._routes if f"{path}/".startswith(spec)]
        if not fitting:
            raise web.HTTPNotFound
        return self._routes[max(fitting, key=len)]

    def _user(self, request: web.Request) -> str:
        """The user who sends the request. Raises HTTPForbidden."""
        login: Login = self.login
        user = login.user_of(request.headers)
        if user is None:
            said = "Nobody is signed in. `pipectl open notebooks --user NAME` prints a link on `local`.\n"
            raise web.HTTPForbidden(text=said)
        if user not in self.users:
            raise web.HTTPForbidden(text="You have no server here; `notebooks.users` says who has.\n")
        return user

    async def _pass_on(
        self, request: web.Request, target: str, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        url = URL(target.rstrip("/"), encoded=True).origin()
        to = URL(f"{url}{request.rel_url.raw_path_qs}", encoded=True)
        try:
            return await self._relay.pass_on(request, to, headers)
        except (aiohttp.ClientError, ValueError) as error:
            self.log.warning("%s does not answer: %s", url, error)
            return web.Response(status=502, text="The server does not answer.\n")
