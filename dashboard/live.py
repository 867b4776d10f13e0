"""Flows that are shown live: new values go to each page that shows them, over Socket.IO.

Like the frames of the volatility page, values are sent when the page has acknowledged the last ones. Nothing
is queued for a slow page.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import socketio

from dashboard.recent import Recent
from dashboard.settings import Settings
from dashboard.viewers import acknowledged, cancel_all
from kafka_topic.names import Topics

NAMESPACE = "/flows"
BEAT_SECONDS = 0.25


class LiveFlows:
    """The pages that show a flow live."""

    def __init__(self, server: socketio.AsyncServer, recent: Recent, settings: Settings) -> None:
        self._server = server
        self._recent = recent
        prefix = Topics(settings.prefix).prefix
        self._topics = {
            flow.name: prefix + flow.topic
            for flow in settings.flows
            if flow.store is None and flow.topic is not None
        }
        self._tasks: dict[str, asyncio.Task[None]] = {}
        server.on("connect", self._connect, namespace=NAMESPACE)
        server.on("disconnect", self._disconnect, namespace=NAMESPACE)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        name = auth.get("flow") if isinstance(auth, dict) else None
        if not isinstance(name, str) or name not in self._topics:
            raise socketio.exceptions.ConnectionRefusedError("there is no such live flow")
        self._tasks[sid] = asyncio.create_task(self._serve(sid, self._topics[name]))

    async def _disconnect(self, sid: str, *reason: Any) -> None:
        if task := self._tasks.pop(sid, None):
            task.cancel()

    async def _serve(self, sid: str, topic: str) -> None:
        seen, first = 0, True
        while True:
            seen, series = self._recent.after(topic, seen)
            # The first frame also says that there is nothing yet.
            if series or first:
                data = json.dumps({"first": first, "series": series}).encode()
                if not await acknowledged(self._server, sid, "values", data, NAMESPACE):
                    self._tasks.pop(sid, None)
                    return
                first = False
            await asyncio.sleep(BEAT_SECONDS)

    async def close(self) -> None:
        """End all of them."""
        await cancel_all(self._tasks)
