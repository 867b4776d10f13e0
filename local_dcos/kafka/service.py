"""The scheduler of the Kafka service: it starts the broker, serves the SDK's API and ends with the broker."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from local_dcos.api.requests import Handler, same
from local_dcos.errors import BrokerError, LocalDcosError
from local_dcos.home import HOME_MARK, Home
from local_dcos.kafka import jars
from local_dcos.kafka.broker import Broker
from local_dcos.kafka.plan import Plan
from local_dcos.launching import PROXY_HEADER, PROXY_SECRET
from local_dcos.ports import HOST

STOP_SECONDS = 25.0
# A failed plan can be read for this long. Then the scheduler ends, and the cluster launches it again.
ERROR_SECONDS = 5.0
READY_POLL_SECONDS = 0.1


class Service:
    """One service: the plan, the broker, and the HTTP API over both."""

    def __init__(self, folder: Path, broker_port: int, heap_mb: int) -> None:
        self.plan = Plan()
        self._broker_port = broker_port
        self._broker = Broker(folder, heap_mb)
        self._topics: Any = None

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_only_by_proxy])
        app.add_routes(
            [
                web.get("/v1/health", self.health),
                web.get("/v1/plans/{name}", self.show_plan),
                web.get("/v1/endpoints", self.endpoints),
                web.get("/v1/endpoints/broker", self.endpoint),
                web.get("/v1/topics", self.topics),
                web.get("/v1/topics/{name}", self.topic),
                web.put("/v1/topics/{name}", self.create_topic),
                web.delete("/v1/topics/{name}", self.delete_topic),
            ]
        )
        return app

    async def run(self) -> None:
        """Starts the broker and waits until it ends.

        Raises:
            LocalDcosError: The broker could not be started, or it ended.
        """
        self.plan.begin(self.plan.jars, "looking for the Apache Kafka jars")
        found = jars.known_jars()
        if found is None:
            self.plan.begin(self.plan.jars, "fetching Apache Kafka jars")
            found = await asyncio.to_thread(jars.resolve)
        self.plan.finish(self.plan.jars)
        self.plan.begin(self.plan.broker, "starting the broker")
        self._broker.prepare(self._broker_port)
        await self._broker.start(found)
        ended = asyncio.create_task(self._broker.wait())
        ready = asyncio.create_task(self._until_ready())
        await asyncio.wait((ended, ready), return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            self.plan.finish(self.plan.broker)
            ready.result()
        code = await ended
        ready.cancel()
        raise BrokerError(f"The broker ended with status {code}. Its log is in stdout")

    async def _until_ready(self) -> None:
        # Imported while Java starts.
        from local_dcos.kafka.topics import Topics

        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, self._broker.port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(READY_POLL_SECONDS)
        topics = Topics(self._broker.address)
        while not await asyncio.to_thread(topics.is_ready):
            await asyncio.sleep(READY_POLL_SECONDS)
        self._topics = topics

    async def stop(self) -> None:
        await self._broker.stop(STOP_SECONDS)

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": self.plan.status}, status=self.plan.http_status)

    async def show_plan(self, request: web.Request) -> web.Response:
        if request.match_info["name"] != "deploy":
            return web.Response(status=404, text=f"No plan {request.match_info['name']}")
        return web.json_response(self.plan.to_json(), status=self.plan.http_status)

    async def endpoints(self, request: web.Request) -> web.Response:
        return web.json_response(["broker"] if self._topics else [])

    async def endpoint(self, request: web.Request) -> web.Response:
        if self._topics is None:
            return web.Response(status=404, text="No broker is running yet")
        address = self._broker.address
        return web.json_response({"address": [address], "dns": [address], "vip": address})

    async def _ask(self, work: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(work, *arguments)
        except BrokerError as error:
            # The SDK's scheduler answers every error of Kafka with 500.
            raise web.HTTPInternalServerError(text=str(error)) from error

    def _ready(self) -> Any:
        if self._topics is None:
            raise web.HTTPServiceUnavailable(text="The broker is not running yet")
        return self._topics

    async def topics(self, request: web.Request) -> web.Response:
        return web.json_response(await self._ask(self._ready().names))

    async def topic(self, request: web.Request) -> web.Response:
        document = await self._ask(self._ready().describe, request.match_info["name"])
        if document is None:
            return web.Response(status=404, text=f"Topic {request.match_info['name']} does not exist")
        return web.json_response(document)

    async def create_topic(self, request: web.Request) -> web.Response:
        name, topics = request.match_info["name"], self._ready()
        try:
            partitions = int(request.query.get("partitions", 1))
            replication = int(request.query.get("replication", 1))
        except ValueError:
            return web.Response(status=400, text="partitions and replication must be whole numbers")
        await self._ask(topics.create, name, partitions, replication)
        return _message(f'Created topic "{name}".')

    async def delete_topic(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        await self._ask(self._ready().delete, name)
        return _message(f"Topic {name} is marked for deletion.")


@web.middleware
async def _only_by_proxy(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Accepts requests that came through the cluster's proxy, which checks the token."""
    secret = os.environ.get(PROXY_SECRET)
    if request.path == "/v1/health" or (secret and same(request.headers.get(PROXY_HEADER, ""), secret)):
        return await handler(request)
    return web.Response(status=403, text="Use the address at the cluster: /service/<name>/")


def _message(text: str) -> web.Response:
    return web.json_response({"message": f"Output: {text}\n"})


async def _main() -> int:
    folder = Home(Path(os.environ[HOME_MARK])).kafka / os.environ["KAFKA_SERVICE_NAME"].replace("/", "_")
    service = Service(
        folder, int(os.environ.get("PORT_BROKER", 0)), int(os.environ.get("KAFKA_HEAP_MB", 512))
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(service.application(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, HOST, int(os.environ["PORT_API"])).start()
    work, stopped = asyncio.create_task(service.run()), asyncio.create_task(stop.wait())
    await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        # Cancelled before the broker stops, whose end is no failure now.
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await service.stop()
        return 0
    try:
        await work
    except LocalDcosError as error:
        print(f"Error: {error}", file=sys.stderr, flush=True)  # noqa: T201
        was_up = service.plan.status != "IN_PROGRESS"
        service.plan.fail(str(error))
        await service.stop()
        if not was_up:
            await asyncio.wait((stopped,), timeout=ERROR_SECONDS)
    return 1


def main() -> None:
    """Runs the scheduler until a signal stops it or its broker ends."""
    code = asyncio.run(_main())
    # Not sys.exit, which would wait for a thread that still downloads jars.
    sys.stdout.flush()
    os._exit(code)
