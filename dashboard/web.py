"""The HTTP server: page, JSON API, server-sent events, Socket.IO, health.

Every address is relative to where the page is, so it works behind `/service/<name>/` as well as directly.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import socketio
from aiohttp import web

from dashboard.feed import Feed
from dashboard.history import History
from dashboard.pipeline import Pipeline
from dashboard.settings import LOOPBACK, Settings
from dashboard.viewers import Viewers

STATIC = Path(__file__).parent / "static"
PAGES = {
    "": "index.html",
    "app.js": "app.js",
    "app.css": "app.css",
    "licences.txt": "licences.txt",
    "icon.svg": "icon.svg",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
MOST_RECORDS = 5000
KEEP_ALIVE_SECONDS = 10.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """The handlers, and what lives as long as the server does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._history = History(
            settings.positions,
            windows=settings.windows_kept,
            prices=settings.prices_kept,
            fresh_seconds=settings.fresh_seconds,
        )
        self._feed = Feed(settings, self._history)
        # Origins other than the page's own are refused: that is the default.
        self._sockets = socketio.AsyncServer(async_mode="aiohttp", ping_interval=10, ping_timeout=20)
        self._viewers = Viewers(self._sockets, self._history)
        self._run = secrets.token_hex(4)  # numbers of an earlier run mean nothing in this one
        self._streams: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        """The application; reading Kafka begins and ends with it."""
        app = web.Application(middlewares=[self._only_our_names, _errors_as_json])
        for path in PAGES:
            app.router.add_get(f"/{path}", self.page)
        app.add_routes(
            [
                web.get("/health", self.health),
                web.get("/api/openapi.json", self.openapi),
                web.get("/api/status", self.status),
                web.get("/api/positions", self.positions),
                web.get("/api/movingaverage", self.moving_average),
                web.get("/api/stream", self.stream),
            ]
        )
        self._sockets.attach(app)
        app.on_response_prepare.append(_add_headers)
        app.cleanup_ctx.append(self._life)
        app.on_shutdown.append(self._let_go)
        return app

    async def _life(self, app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as session:
            self._pipeline = Pipeline(self._settings, self._history, self._feed, session)
            self._feed.start()
            beat = asyncio.create_task(self._viewers.beat())
            yield
            beat.cancel()
            await asyncio.to_thread(self._feed.stop)

    async def _let_go(self, app: web.Application) -> None:
        """Streams and viewers have no end of their own."""
        await self._viewers.close()
        for task in self._streams:
            task.cancel()

    @web.middleware
    async def _only_our_names(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """On a laptop, refuse names that only lead here: a foreign page could point its own at loopback."""
        name = request.host.rpartition(":")[0] or request.host
        if self._settings.host in LOOPBACK and name.strip("[]") not in LOOPBACK:
            raise web.HTTPForbidden(text=f"{name} is not the name of this server")
        return await handler(request)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page and its parts; checked for changes each time, so an update is seen at once."""
        response = web.FileResponse(STATIC / PAGES[request.path.strip("/")])
        response.headers["Cache-Control"] = "no-cache"
        return response

    async def health(self, request: web.Request) -> web.Response:
        """200 while the readers run. Kafka being away is no fault of this app, and no restart mends it."""
        if self._feed.alive:
            return web.json_response({"healthy": True, "reason": self._feed.problem})
        return web.json_response({"healthy": False, "reason": "a reader has ended"}, status=503)

    async def openapi(self, request: web.Request) -> web.StreamResponse:
        """The description of this API."""
        return web.FileResponse(STATIC.parent / "openapi.json")

    async def status(self, request: web.Request) -> web.Response:
        """How every component and position is."""
        return _json(await self._pipeline.status(len(self._viewers)))

    async def positions(self, request: web.Request) -> web.Response:
        """Every position with its newest price and window."""
        return _json({"positions": self._pipeline.positions()})

    async def moving_average(self, request: web.Request) -> web.Response:
        """The kept records of one position, oldest first."""
        symbol = self._position(request.query.get("position", ""))
        records = self._history.windows_of(symbol, _time(request.query.get("since")))[-MOST_RECORDS:]
        body = b'{"records": [' + b", ".join(record.to_json() for record in records) + b"]}"
        response = web.Response(body=body, content_type="application/json")
        response.enable_compression()
        return response

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """movingaverage records as server-sent events, each once; a slow reader misses the oldest."""
        wanted = {self._position(one) for one in request.query.getall("position", [])}
        run, _, last = request.headers.get("Last-Event-ID", "").partition("-")
        seen = int(last) if run == self._run and last.isdigit() else self._history.seq
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-cache",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        task = asyncio.create_task(self._send_events(response, wanted, seen))
        self._streams.add(task)
        try:
            # The handler must not be cancelled by aiohttp's shutdown before the stream was closed.
            await asyncio.wait([task])
        finally:
            task.cancel()
            self._streams.discard(task)
        return response

    async def _send_events(self, response: web.StreamResponse, wanted: set[str], seen: int) -> None:
        with contextlib.suppress(ConnectionResetError):
            await response.write(b"retry: 2000\n\n")
            while True:
                news = self._history.since(seen)
                lines = [
                    b"event: movingaverage\ndata: " + record.to_json() + b"\n"
                    for symbol, records in news.windows.items()
                    if not wanted or symbol in wanted
                    for record in records
                ]
                if lines:
                    # Only the last one carries the number: a reader that was cut off gets the others again.
                    await response.write(b"\n".join(lines) + f"id: {self._run}-{news.seq}\n\n".encode())
                seen = news.seq
                try:
                    await asyncio.wait_for(self._viewers.next_beat(), KEEP_ALIVE_SECONDS)
                except TimeoutError:
                    await response.write(b":\n\n")

    def _position(self, symbol: str) -> str:
        if symbol not in self._history.positions:
            some = ", ".join([*self._history.positions][:10])
            raise web.HTTPNotFound(text=f"no position {symbol!r} here; there are {some}")
        return symbol


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise web.HTTPBadRequest(
            text=f'since={text} must be a time such as "2026-11-22 01:02:03.004" (UTC) or ISO-8601'
        ) from None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _json(document: object) -> web.Response:
    response = web.json_response(document)
    response.enable_compression()
    return response


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return web.json_response({"message": error.text}, status=error.status)


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    web.run_app(
        Server(settings).application(),
        host=settings.bind_host,
        port=settings.port,
        access_log=None,
        shutdown_timeout=1.0,
        print=lambda text: print(text.splitlines()[0], flush=True),  # noqa: T201 - where it listens
    )
