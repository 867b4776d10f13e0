"""A scheduler: it starts the one node of a service, serves the SDK's API and ends with the node."""

import asyncio
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Mapping

from aiohttp import web

from local_dcos.api.requests import Handler, same
from local_dcos.errors import LocalDcosError, NodeError
from local_dcos.launching import PROXY_HEADER, PROXY_SECRET
from local_dcos.ports import HOST
from local_dcos.services.node import Node, kept_port
from local_dcos.services.plan import Plan

STOP_SECONDS = 25.0
# A failed plan can be read for this long. Then the scheduler ends, and the cluster launches it again.
ERROR_SECONDS = 5.0
# No node is started with less space than this.
NEEDED_MB = 32
SPACE_POLL_SECONDS = 1.0


class Scheduler:
    """One service: the plan, the node, and the HTTP API over both."""

    def __init__(self, node: Node) -> None:
        self.plan = Plan(node.name, node.step)
        self.ready = False
        self._node = node

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_only_by_proxy])
        app.add_routes(
            [
                web.get("/v1/health", self.health),
                web.get("/v1/plans/{name}", self.show_plan),
                web.get("/v1/endpoints", self.endpoints),
                web.get("/v1/endpoints/{name}", self.endpoint),
                *self._node.routes(),
            ]
        )
        return app

    async def run(self) -> None:
        """Starts the node and waits until it ends.

        Raises:
            LocalDcosError: The node could not be started, or it ended.
        """
        self.plan.jars.begin(f"looking for the jars of the {self._node.name}")
        found = self._node.jars.known()
        if found is None:
            self.plan.jars.begin(f"fetching the jars of the {self._node.name}")
            found = await asyncio.to_thread(self._node.jars.fetch)
        self.plan.jars.finish()
        await self._until_space()
        self.plan.node.begin(f"starting the {self._node.name}")
        self._node.port = self._node.port or kept_port(self._node.folder / "port.json")
        await self._node.start(found)
        ended = asyncio.create_task(self._node.wait())
        ready = asyncio.create_task(self._node.until_ready())
        await asyncio.wait((ended, ready), return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            ready.result()
            self.ready = True
            self.plan.node.finish()
        code = await ended
        ready.cancel()
        raise NodeError(f"The {self._node.name} ended with status {code}. Its log is in stdout")

    async def _until_space(self) -> None:
        """Waits while the disk is full: a node would end at once, again and again."""
        folder = self._node.folder
        folder.mkdir(parents=True, exist_ok=True)
        while (free := shutil.disk_usage(folder).free // 2**20) < NEEDED_MB:
            message = f"waiting for space on the disk of {folder}: {free} MB free of {NEEDED_MB}"
            if self.plan.node.message != message:
                print(message, file=sys.stderr, flush=True)  # noqa: T201
            self.plan.node.begin(message)
            await asyncio.sleep(SPACE_POLL_SECONDS)

    async def stop(self) -> None:
        await self._node.stop(STOP_SECONDS)

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": self.plan.status}, status=self.plan.http_status)

    async def show_plan(self, request: web.Request) -> web.Response:
        if request.match_info["name"] != "deploy":
            return web.Response(status=404, text=f"No plan {request.match_info['name']}")
        return web.json_response(self.plan.to_json(), status=self.plan.http_status)

    async def endpoints(self, request: web.Request) -> web.Response:
        return web.json_response([self._node.endpoint] if self.ready else [])

    async def endpoint(self, request: web.Request) -> web.Response:
        if request.match_info["name"] != self._node.endpoint:
            return web.Response(status=404, text=f"No endpoint {request.match_info['name']}")
        if not self.ready:
            return web.Response(status=404, text=f"No {self._node.name} is running yet")
        address = self._node.address
        return web.json_response({"address": [address], "dns": [address], "vip": address})

    async def serve(self) -> int:
        """Serves and runs until a signal or the end of the node. Returns the exit code."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        await web.TCPSite(runner, HOST, int(os.environ["PORT_API"])).start()
        work, stopped = asyncio.create_task(self.run()), asyncio.create_task(stop.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            # Cancelled before the node stops, whose end is no failure now.
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self.stop()
            return 0
        try:
            await work
        except LocalDcosError as error:
            print(f"Error: {error}", file=sys.stderr, flush=True)  # noqa: T201
            await self._fail(str(error), stopped)
        except Exception as error:  # whatever it is, the node must not outlive its scheduler
            traceback.print_exc()
            await self._fail(f"{type(error).__name__}: {error}", stopped)
        return 1

    async def _fail(self, message: str, stopped: asyncio.Task[bool]) -> None:
        was_up = self.plan.status != "IN_PROGRESS"
        self.plan.fail(message)
        await self.stop()
        if not was_up:
            await asyncio.wait((stopped,), timeout=ERROR_SECONDS)


def main(make_node: Callable[[Mapping[str, str]], Node]) -> None:
    """Runs the scheduler of a service until a signal stops it or its node ends."""
    asyncio.run(_until_end(make_node(os.environ)))


async def _until_end(node: Node) -> None:
    code = await Scheduler(node).serve()
    # Here, since asyncio.run would wait for a thread that still downloads jars.
    sys.stdout.flush()
    os._exit(code)


@web.middleware
async def _only_by_proxy(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Accepts requests that came through the cluster's proxy, which checks the token, and health checks."""
    secret = os.environ.get(PROXY_SECRET)
    # A page of a web site can point a name of its own at loopback. No check has an origin.
    is_own = request.host.rpartition(":")[0] == HOST and "Origin" not in request.headers
    is_check = request.path == "/v1/health" and is_own
    if is_check or (secret and same(request.headers.get(PROXY_HEADER, ""), secret)):
        return await handler(request)
    return web.Response(status=403, text="Use the address at the cluster: /service/<name>/")
