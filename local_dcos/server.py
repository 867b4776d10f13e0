"""The server process: the agent behind its HTTP APIs, on the loopback address."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from local_dcos.agent import Agent
from local_dcos.api.apps import Apps
from local_dcos.api.marathon import Marathon
from local_dcos.api.metronome import Metronome
from local_dcos.api.packages import Packages
from local_dcos.api.proxy import Proxy
from local_dcos.api.requests import errors_as_json, only_by_our_name, token_check
from local_dcos.api.sessions import Sessions
from local_dcos.api.system import System
from local_dcos.errors import StartError
from local_dcos.files import locked
from local_dcos.home import Home
from local_dcos.model import Json
from local_dcos.ports import HOST, is_free

# One that only looks holds the lock for an instant.
LOCK_SECONDS = 2.0
# How long a connection may send nothing, or half a request.
IDLE_SECONDS = 15.0
# Each takes a descriptor, and so does what it is passed on to; tasks need some too.
MOST_CONNECTIONS = 200


def application(agent: Agent, cluster: Json) -> web.Application:
    """Returns the HTTP application of a cluster."""
    sessions = Sessions()
    app = web.Application(
        middlewares=[errors_as_json, only_by_our_name, token_check(agent.token, sessions.allow)],
        client_max_size=16 * 1024**2,
    )
    proxy = Proxy(agent)
    for prefix in ("/service/marathon", "/marathon"):
        app.add_routes(Apps(agent).routes(prefix))
        app.add_routes(Marathon(agent).routes(prefix))
    app.add_routes(Metronome(agent).routes())
    app.add_routes(System(agent, cluster).routes())
    app.add_routes(Packages(agent, cluster).routes())
    app.add_routes(sessions.routes())
    app.add_routes(proxy.routes())
    app.cleanup_ctx.append(proxy.session)
    return app


def listening_socket(home: Home, port: int) -> socket.socket:
    """Returns a socket on `port`; for 0 on the port of the last time when that is free, else on any.

    Raises:
        StartError: The port that was asked for is taken.
    """
    last = home.cluster().get("port")
    wanted = port or (last if isinstance(last, int) and is_free(last) else 0)
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((HOST, wanted))
    except OSError as error:
        server.close()
        raise StartError(f"Port {wanted} is in use: choose another with --port, or 0 for any") from error
    server.listen(128)
    return server


def serve(home: Home, port: int) -> None:
    """Runs the cluster of `home` until SIGTERM or SIGINT, then ends every task.

    Raises:
        StartError: Another agent holds this home, or the port is taken.
    """
    home.create()
    with locked(home.agent_lock, LOCK_SECONDS) as got:
        if not got:
            raise StartError(f"A cluster already runs in {home.path}")
        home.retire()
        logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("aiohttp.server").addFilter(_is_ours)
        with listening_socket(home, port) as server:
            asyncio.run(_serve(home, server))


def _is_ours(record: logging.LogRecord) -> bool:
    """Tells whether a record is of a mistake here: what is no HTTP is a stranger's, and was answered; that
    somebody leaves in the middle of an answer is none."""
    theirs = (HttpProcessingError, ConnectionResetError)
    return not (record.exc_info and isinstance(record.exc_info[1], theirs))


class _Door:
    """Lets connections in while there is room."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner
        self._coming = 0

    def __call__(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None:
            return _Refusal()
        if len(server.connections) + self._coming >= MOST_CONNECTIONS:
            return _Refusal()
        # Many may be taken before the first of them counts as a connection of the server. asyncio calls
        # `connection_made` right after what is asked for here.
        self._coming += 1
        asyncio.get_running_loop().call_soon(self._came)
        return server()

    def _came(self) -> None:
        self._coming -= 1


class _Refusal(asyncio.Protocol):
    """Ends a connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def _serve(home: Home, server: socket.socket) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = server.getsockname()[1]
    url = f"http://{HOST}:{port}"
    agent = Agent(home, home.new_token())
    cluster = home.announce(port, url, os.getpid())
    runner = web.AppRunner(
        application(agent, cluster), access_log=None, shutdown_timeout=0.5, keepalive_timeout=IDLE_SECONDS
    )
    await runner.setup()
    try:
        agent.start()
        await asyncio.get_running_loop().create_server(_Door(runner), sock=server)
        print(url, flush=True)  # noqa: T201 - what `serve` is asked for
        await stop.wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await agent.stop()
        home.retire()
        await runner.cleanup()
