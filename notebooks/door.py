"""The proxy of the hub: it lets in who the front door has signed in, and nobody to the server of another.

It runs in the hub's own process, so it needs no Node. A server of a user never sees a login of the cluster.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp import web
from jupyterhub.proxy import Proxy
from multidict import CIMultiDict
from traitlets import Instance, Integer, Unicode
from traitlets import Set as SetOf
from yarl import URL

from notebooks.logins import Login
from task_runtime.front_door import PROXY_HEADER, PROXY_USER_HEADER

HEALTH = "hub/health"
"""The path below the base that answers without a login."""
_CONNECT_SECONDS = 10.0
# Headers of one connection, and logins, which no server of a user must see.
_DROPPED = frozenset(
    {
        "authorization",
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        PROXY_HEADER.lower(),
        PROXY_USER_HEADER.lower(),
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_LOGIN_COOKIES = ("dcos-acs-auth-cookie", "dcos-acs-info-cookie")
_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


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

    async def start(self) -> None:
        """Listen."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=timeout,
            auto_decompress=False,
            # The cookies of one user must not reach the next request.
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        )
        app = web.Application()
        app.add_routes([web.route("*", "/{path:.*}", self._handle)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()

    async def stop(self) -> None:
        """Close all connections."""
        await self._runner.cleanup()
        await self._session.close()

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
        route = self._route(unquote(request.rel_url.raw_path))
        if request.rel_url.raw_path == urlsplit(self.public_url).path + HEALTH:
            return await self._pass_on(request, route["target"], _without_logins(request))
        user = self._user(request)
        owner = route["data"].get("user")
        if owner not in (None, user):
            raise web.HTTPForbidden(text=f"This server belongs to {owner}.\n")
        headers = _without_logins(request)
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
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden(text="Requests from other origins are not allowed.\n")
        login: Login = self.login
        user = login.user_of(request.headers)
        if user is None:
            said = "Nobody is signed in. `pipectl open notebooks --user NAME` prints a link on `local`.\n"
            raise web.HTTPForbidden(text=said)
        if user not in self.users:
            raise web.HTTPForbidden(text="You have no server here; `notebooks.users` names who has.\n")
        return user

    async def _pass_on(
        self, request: web.Request, target: str, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        url = URL(target.rstrip("/"), encoded=True).origin()
        to = URL(f"{url}{request.rel_url.raw_path_qs}", encoded=True)
        passed = _websocket if request.headers.get("Upgrade", "").lower() == "websocket" else _http
        try:
            return await passed(self._session, request, to, headers)
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status, text=error.message)
        except (aiohttp.ClientError, ValueError) as error:
            self.log.warning("%s does not answer: %s", url, error)
            return web.Response(status=502, text="The server does not answer.\n")


def _without_logins(request: web.Request) -> CIMultiDict[str]:
    headers = CIMultiDict(
        (key, value) for key, value in request.headers.items() if key.lower() not in _DROPPED
    )
    pairs = [pair.strip() for line in headers.popall("Cookie", []) for pair in line.split(";")]
    cookies = [pair for pair in pairs if pair and pair.partition("=")[0].strip() not in _LOGIN_COOKIES]
    if cookies:
        headers["Cookie"] = "; ".join(cookies)
    return headers


async def _http(
    session: aiohttp.ClientSession, request: web.Request, url: URL, headers: CIMultiDict[str]
) -> web.StreamResponse:
    async with session.request(
        request.method,
        url,
        headers=headers,
        data=request.content if request.body_exists else None,
        allow_redirects=False,
    ) as answer:
        response = web.StreamResponse(status=answer.status, reason=answer.reason)
        for key, value in answer.headers.items():
            if key.lower() not in _DROPPED or key.lower() == "content-length":
                response.headers.add(key, value)
        await response.prepare(request)
        try:
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
        except aiohttp.ClientError as error:
            # Part of the answer was sent. Closing the connection shows that the rest is missing.
            raise ConnectionResetError from error
        await response.write_eof()
        return response


async def _websocket(
    session: aiohttp.ClientSession, request: web.Request, url: URL, headers: CIMultiDict[str]
) -> web.StreamResponse:
    asked = request.headers.get("Sec-WebSocket-Protocol", "")
    protocols = [one.strip() for one in asked.split(",") if one.strip()]
    # Outputs of notebooks have any size.
    async with session.ws_connect(url, headers=headers, protocols=protocols, max_msg_size=0) as behind:
        chosen = [behind.protocol] if behind.protocol else ()
        front = web.WebSocketResponse(protocols=chosen, max_msg_size=0)
        await front.prepare(request)
        pumps = [asyncio.create_task(_pump(front, behind)), asyncio.create_task(_pump(behind, front))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await front.close()
        return front


async def _pump(source: _Socket, target: _Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
