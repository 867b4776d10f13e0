"""/service/<name>/…: a reverse proxy to the port of an app, like DC/OS' Admin Router."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from local_dcos.agent import Agent
from local_dcos.api.requests import COOKIE
from local_dcos.api.sessions import SERVICE_ROUTE, SESSION_COOKIE
from local_dcos.errors import ApiError
from local_dcos.launching import PROXY_HEADER, PROXY_USER_HEADER
from local_dcos.model import RUNNING, Task
from local_dcos.ports import HOST, is_another_users

SCHEMES = ("http", "https")
PORT_INDEX = re.compile(r"[0-9]{1,3}")
# Headers of one connection, and the token, which apps must not see.
DROPPED = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "expect",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
        "authorization",
        PROXY_USER_HEADER.lower(),
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-extensions",
        "sec-websocket-protocol",
        "content-encoding",
    }
)
# Cookies that apps must not see.
DROPPED_COOKIES = (COOKIE, SESSION_COOKIE)
CONNECT_SECONDS = 5.0


class Proxy:
    """Passes requests, streams and websockets to the app that carries the label DCOS_SERVICE_NAME."""

    def __init__(self, agent: Agent, user: Callable[[web.Request], str]) -> None:
        """user: returns the user whom the login of a request names, or ""."""
        self._state = agent.state
        self._user = user
        self._session: aiohttp.ClientSession | None = None

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/service/{name}", self.with_slash),
            web.route("*", "/service/{name}/{path:.*}", self.handle, name=SERVICE_ROUTE),
        ]

    async def session(self, app: web.Application) -> AsyncIterator[None]:
        """Keeps one client session for the life of the server."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        # aiohttp must add no headers: an app might use an encoding that the client can't read.
        skipped = ("Accept", "Accept-Encoding", "User-Agent")
        # The server limits its connections already. No client must wait for the streams of others.
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=skipped
        ) as self._session:
            yield

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
        if self._session is None:
            raise ApiError(503, "The cluster is still starting")
        passed = self._websocket if request.headers.get("Upgrade", "").lower() == "websocket" else self._http
        try:
            return await passed(self._session, request, url, self._headers(request, task))
        except (aiohttp.ClientError, ValueError) as error:
            message = f"Service '{request.match_info['name']}' does not answer: {error}"
            raise ApiError(502, message) from error

    def _headers(self, request: web.Request, task: Task) -> CIMultiDict[str]:
        headers = CIMultiDict(
            (key, value) for key, value in request.headers.items() if key.lower() not in DROPPED
        )
        pairs = [pair.strip() for line in headers.popall("Cookie", []) for pair in line.split(";")]
        cookies = [pair for pair in pairs if pair and pair.partition("=")[0].strip() not in DROPPED_COOKIES]
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        headers[PROXY_HEADER] = task.secret
        if user := self._user(request):
            headers[PROXY_USER_HEADER] = user
        return headers

    @staticmethod
    async def _http(
        session: aiohttp.ClientSession, request: web.Request, url: str, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        async with session.request(
            request.method,
            URL(url, encoded=True),
            headers=headers,
            data=request.content if request.body_exists else None,
            allow_redirects=False,
            ssl=False,
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for key, value in answer.headers.items():
                if key.lower() not in DROPPED or key.lower() in ("content-length", "content-encoding"):
                    response.headers.add(key, value)
            await response.prepare(request)
            try:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            except aiohttp.ClientError as error:
                # Part of the answer was sent already. Closing the connection shows that the rest is missing.
                raise ConnectionResetError from error
            await response.write_eof()
            return response

    @staticmethod
    async def _websocket(
        session: aiohttp.ClientSession, request: web.Request, url: str, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        asked = request.headers.get("Sec-WebSocket-Protocol", "")
        protocols = [one.strip() for one in asked.split(",") if one.strip()]
        async with session.ws_connect(url, headers=headers, protocols=protocols, ssl=False) as behind:
            front = web.WebSocketResponse(protocols=[behind.protocol] if behind.protocol else ())
            await front.prepare(request)
            pumps = [asyncio.create_task(_pump(front, behind)), asyncio.create_task(_pump(behind, front))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            await front.close()
            return front


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: Socket, target: Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
