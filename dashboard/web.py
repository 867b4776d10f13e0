"""The HTTP server: page, JSON API, server-sent events, Socket.IO, health.

All addresses are relative to the page, so it works behind `/service/<name>/` as well as directly.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import socketio
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from dashboard.answers import Status
from dashboard.clusters import ClustersApi
from dashboard.events import Events
from dashboard.feed import Feed
from dashboard.flows_api import FlowsApi
from dashboard.history import History
from dashboard.limits_api import LimitsApi
from dashboard.live import LiveFlows
from dashboard.openapi import document
from dashboard.pipeline import Pipeline
from dashboard.recent import Recent, live_topics
from dashboard.requests import (
    Handler,
    chosen,
    errors_as_json,
    json_answer,
    known,
    records_answer,
    since,
)
from dashboard.settings import Settings
from dashboard.topics_api import TopicsApi
from dashboard.viewers import Viewers
from kafka_topic.names import Topics
from task_runtime.environment import bind_host
from task_runtime.front_door import PROXY_HEADER, came_through_front_door
from task_runtime.origins import is_foreign

STATIC = Path(__file__).parent / "static"
PAGES = {
    "": "index.html",
    "app.js": "app.js",
    "app.css": "app.css",
    "licences.txt": "licences.txt",
    "icon.svg": "icon.svg",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
MOST_RECORDS = 5000


class Server:
    """The handlers, and the objects that live as long as the server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # The page loads nothing of other hosts. It only asks the pages of other clusters how these are.
        asked = " ".join(["'self'", *sorted(settings.clusters.origins)])
        self._policy = f"default-src 'self'; connect-src {asked}; frame-ancestors 'self'; base-uri 'none'"
        self._history = History(
            settings.positions,
            [*settings.windows],
            windows=settings.windows_kept,
            prices=settings.prices_kept,
            signals=settings.signals_kept,
            fresh_seconds=settings.fresh_seconds,
        )
        recent = Recent(live_topics(settings))
        self._feed = Feed(settings, self._history, recent)
        # By default, Socket.IO refuses other origins than the page's own.
        self._sockets = socketio.AsyncServer(async_mode="aiohttp", ping_interval=10, ping_timeout=20)
        self._viewers = Viewers(self._sockets, self._history, settings.signals, settings.columns)
        self._events = Events(self._history, self._viewers, Topics(settings.prefix))
        self._live = LiveFlows(self._sockets, recent, settings)
        self._limits = LimitsApi(settings, self._history)
        self._flows = FlowsApi(settings, recent, STATIC / PAGES[""])
        self._topics = TopicsApi(settings)
        self._clusters = ClustersApi(settings.clusters, self._state)

    def application(self) -> web.Application:
        """The application. It reads Kafka from its start to its end."""
        app = web.Application(middlewares=[self._authorize, errors_as_json])
        for path in PAGES:
            app.router.add_get(f"/{path}", self.page)
        app.add_routes(
            [
                web.get("/health", self.health),
                web.get("/api/openapi.json", self.openapi),
                web.get("/api/status", self.status),
                web.get("/api/positions", self.positions),
                web.get("/api/movingaverage", self.moving_average),
                web.get("/api/signals", self.signals),
                web.get("/api/stream", self._events.handle),
                *self._limits.routes(),
                *self._topics.routes(),
                *self._flows.routes(),
                *self._clusters.routes(),
            ]
        )
        self._sockets.attach(app)
        app.on_response_prepare.append(self._add_headers)
        app.cleanup_ctx.append(self._life)
        app.on_shutdown.append(self._disconnect)
        return app

    async def _life(self, app: web.Application) -> AsyncIterator[None]:
        self._pipeline = Pipeline(self._settings, self._history, self._feed)
        self._feed.start()
        tasks = [asyncio.create_task(work) for work in (self._viewers.beat(), self._pipeline.follow())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.to_thread(self._feed.stop)

    async def _disconnect(self, app: web.Application) -> None:
        """End streams and viewers, which have no end of their own."""
        await self._viewers.close()
        await self._live.close()
        self._events.close()

    @web.middleware
    async def _authorize(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests that did not come through the front door, if there is one.

        Also refuse names that are not this server's: a foreign page could point its own name at this address.
        And refuse what foreign pages ask for, but for the summary, which those of known clusters may read.
        """
        name = request.host.rpartition(":")[0] or request.host
        names = self._settings.names
        if names and name.strip("[]").lower() not in names:
            raise web.HTTPForbidden(text=f"this server does not answer to the name {name!r}")
        origin = request.headers.get("Origin")
        if is_foreign(origin, request.host) and not self._clusters.may_read(request):
            raise web.HTTPForbidden(text=f"the request comes from a page of {origin!r}, not from this one")
        secret = self._settings.proxy_secret
        given = request.headers.get(PROXY_HEADER)
        # Marathon's health checks come directly.
        if secret and request.path != "/health" and not came_through_front_door(given, secret):
            raise web.HTTPForbidden(text="use the cluster's front door; `pipectl open` prints the address")
        return await handler(request)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page and its parts. Browsers check them for changes each time, so an update shows at once."""
        response = web.FileResponse(STATIC / PAGES[request.path.strip("/")])
        response.headers["Cache-Control"] = "no-cache"
        return response

    async def health(self, request: web.Request) -> web.Response:
        """200 while the readers run, even if Kafka is away: a restart of this app would not help."""
        if self._feed.alive:
            return web.json_response({"healthy": True, "reason": self._feed.problem})
        return web.json_response({"healthy": False, "reason": "a reader has ended"}, status=503)

    async def openapi(self, request: web.Request) -> web.StreamResponse:
        """The description of this API."""
        return json_answer(document())

    async def status(self, request: web.Request) -> web.Response:
        """The state of every component and position, and the dead letters by reason."""
        return json_answer(await self._state())

    async def _state(self) -> Status:
        return await self._pipeline.status(len(self._viewers))

    async def positions(self, request: web.Request) -> web.Response:
        """Every position with its newest price, window and signal."""
        return json_answer({"positions": self._pipeline.positions()})

    async def moving_average(self, request: web.Request) -> web.Response:
        """The kept records of one position and one window, by default the shortest; oldest first."""
        symbol = known("position", request.query.get("position", ""), self._history.positions)
        label = known("window", request.query.get("window", self._history.labels[0]), self._history.labels)
        records = self._history.windows_of(symbol, label, since(request))[-MOST_RECORDS:]
        return records_answer("records", [record.to_json() for record in records])

    async def signals(self, request: web.Request) -> web.Response:
        """The kept signals of some positions, by default all, in the order in which they came."""
        symbols = chosen(request, "position", self._history.positions) or self._history.positions
        signals = self._history.signals_of(symbols, since(request))[-MOST_RECORDS:]
        return records_answer("signals", [signal.to_json() for signal in signals])

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        for name, value in (("Content-Security-Policy", self._policy), *HEADERS.items()):
            response.headers.setdefault(name, value)


def _is_own_error(record: logging.LogRecord) -> bool:
    """Whether a logged error is ours: requests that are not HTTP would fill the log with tracebacks."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.getLogger("aiohttp.server").addFilter(_is_own_error)
    web.run_app(
        Server(settings).application(),
        host=bind_host(settings.host),
        port=settings.port,
        access_log=None,
        shutdown_timeout=1.0,
        print=lambda text: print(text.splitlines()[0], flush=True),  # noqa: T201 - where it listens
    )
