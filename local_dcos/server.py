"""The server process: the agent behind its HTTP APIs, on the loopback address only."""

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
from local_dcos.api.links import Links
from local_dcos.api.marathon import Marathon
from local_dcos.api.metronome import Metronome
from local_dcos.api.nodes import Nodes
from local_dcos.api.packages import Packages
from local_dcos.api.proxy import Proxy
from local_dcos.api.quotas import Quotas
from local_dcos.api.requests import errors_as_json, same_origin_only, token_check
from local_dcos.api.sessions import Sessions, sign_in_hint
from local_dcos.api.system import System
from local_dcos.errors import StartError
from local_dcos.files import locked
from local_dcos.home import Home
from local_dcos.model import Json
from local_dcos.ports import HOST, is_free

# A process that only asks for the lock holds it for an instant.
LOCK_SECONDS = 2.0
# A connection that sends nothing, or half a request, is closed after this time.
IDLE_SECONDS = 15.0
# A proxied connection takes two file descriptors, and tasks need some too.
MAX_CONNECTIONS = 200
# To check a longer definition would block the event loop for seconds. Requests to apps have no limit.
MAX_BODY_BYTES = 256 * 1024


def application(agent: Agent, cluster: Json) -> web.Application:
    """Returns the HTTP application of a cluster."""
    sessions, links = Sessions(cluster), Links(agent, cluster)
    app = web.Application(
        middlewares=[
            errors_as_json,
            same_origin_only(links.may_read),
            token_check(agent.token, sessions.allow, sign_in_hint(cluster)),
        ],
        client_max_size=MAX_BODY_BYTES,
    )
    proxy = Proxy(agent, sessions.user)
    for prefix in ("/service/marathon", "/marathon"):
        app.add_routes(Apps(agent).routes(prefix))
        app.add_routes(Marathon(agent).routes(prefix))
    app.add_routes(Metronome(agent).routes())
    nodes = Nodes(agent)
    app.add_routes(nodes.routes())
    app.add_routes(System(agent, nodes, cluster).routes())
    app.add_routes(links.routes())
    app.add_routes(Quotas(agent).routes())
    app.add_routes(Packages(agent, cluster).routes())
    app.add_routes(sessions.routes())
    app.add_routes(proxy.routes())
    app.cleanup_ctx.append(proxy.session)
    return app


def listening_socket(home: Home, port: int) -> socket.socket:
    """Returns a socket that listens on `port`. For 0 it is the port of the last start, or any free one.

    Raises:
        StartError: The port is in use.
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


def serve(home: Home, port: int, agents: int = 0) -> None:
    """Runs the cluster of `home` until SIGTERM or SIGINT. Then it ends every task.

    Raises:
        StartError: Another agent holds this home, or the port is in use.
    """
    home.create()
    if (agents or home.agents_wanted()) > 1 and sys.platform != "linux":
        raise StartError("Several agents need Linux: start the cluster with --agents 1")
    with locked(home.agent_lock, LOCK_SECONDS) as acquired:
        if not acquired:
            raise StartError(f"A cluster already runs in {home.path}")
        home.retire()
        logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("aiohttp.server").addFilter(_is_own_error)
        with listening_socket(home, port) as server:
            asyncio.run(_serve(home, server, agents))


def _is_own_error(record: logging.LogRecord) -> bool:
    """Whether a log record is about an error of this server. Malformed requests and lost clients are not."""
    foreign = (HttpProcessingError, ConnectionResetError)
    return not (record.exc_info and isinstance(record.exc_info[1], foreign))


class _LimitedServer:
    """Accepts connections up to a limit and closes the others. asyncio calls it for each connection."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner
        self._accepted = 0

    def __call__(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None or len(server.connections) + self._accepted >= MAX_CONNECTIONS:
            return _Close()
        # asyncio may accept many connections in a turn of the loop. The server counts them in the next.
        self._accepted += 1
        asyncio.get_running_loop().call_soon(self._count_down)
        return server()

    def _count_down(self) -> None:
        self._accepted -= 1


class _Close(asyncio.Protocol):
    """Closes a connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def _serve(home: Home, server: socket.socket, agents: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port = server.getsockname()[1]
    url = f"http://{HOST}:{port}"
    token = home.new_token()
    cluster = home.announce(port, url, os.getpid(), agents)
    agent = Agent(home, token)
    runner = web.AppRunner(
        application(agent, cluster), access_log=None, shutdown_timeout=0.5, keepalive_timeout=IDLE_SECONDS
    )
    await runner.setup()
    try:
        agent.start()
        await asyncio.get_running_loop().create_server(_LimitedServer(runner), sock=server)
        print(url, flush=True)  # noqa: T201 - the output of `serve`
        await stop.wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await agent.stop()
        home.retire()
        await runner.cleanup()
