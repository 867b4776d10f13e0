"""The topics in the API of the Kafka service."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from local_dcos.errors import NodeError


class TopicsApi:
    """The topics of the broker, once it is ready."""

    def __init__(self) -> None:
        self.kafka: Any = None
        """The broker's `Topics`; None until it is ready."""

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
        if self.kafka is None:
            raise web.HTTPServiceUnavailable(text="The broker is not running yet")
        return self.kafka

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
