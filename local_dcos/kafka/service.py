"""The scheduler of the Kafka service: one broker, and the topics in the SDK's API."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from local_dcos.errors import NodeError
from local_dcos.home import HOME_MARK, Home
from local_dcos.kafka.broker import Broker
from local_dcos.kafka.jars import JARS
from local_dcos.kafka.security import BrokerSecurity
from local_dcos.services import scheduler
from local_dcos.services.plan import Plan


class TopicsApi:
    """The topics of the broker, once it is ready."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/topics", self.topics),
            web.get("/v1/topics/{name}", self.topic),
            web.put("/v1/topics/{name}", self.create_topic),
            web.delete("/v1/topics/{name}", self.delete_topic),
        ]

    async def _ask(self, work: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(work, *arguments)
        except NodeError as error:
            # The SDK's scheduler answers every error of Kafka with 500.
            raise web.HTTPInternalServerError(text=str(error)) from error

    def _ready(self) -> Any:
        if self._broker.topics is None:
            raise web.HTTPServiceUnavailable(text="The broker is not running yet")
        return self._broker.topics

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


def _message(text: str) -> web.Response:
    return web.json_response({"message": f"Output: {text}\n"})


def _scheduler() -> scheduler.Scheduler:
    folder = Home(Path(os.environ[HOME_MARK])).kafka / os.environ["KAFKA_SERVICE_NAME"].replace("/", "_")
    broker = Broker(
        folder,
        int(os.environ.get("PORT_BROKER", 0)),
        int(os.environ.get("KAFKA_HEAP_MB", 512)),
        BrokerSecurity.from_environ(os.environ),
    )
    return scheduler.Scheduler(broker, JARS, Plan("broker", "kafka-0:[broker]"), TopicsApi(broker).routes)


def main() -> None:
    """Runs the scheduler until a signal stops it or its broker ends."""
    scheduler.main(_scheduler)
