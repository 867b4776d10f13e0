"""/api/flows, and the pages of the flows under their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from dashboard.answers import FlowAnswer, FlowData, FlowGroup, FlowValue, FlowWindow
from dashboard.flow_state import FlowStates
from dashboard.flows import Flow
from dashboard.recent import MOST_VALUES, Recent
from dashboard.requests import Handler, json_answer, known
from dashboard.settings import Settings
from dashboard.stored import StoredFlows
from kafka_topic.contracts import format_time
from stores.errors import StoreError

_ADDRESS = re.compile(r'\b(href|src)="')


class FlowsApi:
    """The handlers of /api/flows and of the flows' pages. index: the page's document."""

    def __init__(self, settings: Settings, recent: Recent, index: Path) -> None:
        self._flows = {flow.name: flow for flow in settings.flows}
        self._recent = recent
        self._stored = StoredFlows(settings.stores)
        self._states = FlowStates(settings, recent, self._stored)
        self._index = index

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/flows", self.all),
            web.get("/api/flows/data", self.data),
            *(web.get(f"/{name}", self._page(name)) for name in self._flows),
        ]

    async def all(self, request: web.Request) -> web.StreamResponse:
        """Every flow and how it is."""
        return json_answer({"flows": await self._states.all()})

    async def data(self, request: web.Request) -> web.StreamResponse:
        """A flow with its newest data."""
        flow = self._flows[known("flow", request.query.get("flow", ""), self._flows)]
        state = await self._states.of(flow)
        answer: FlowData = {"flow": state, "values": [], "windows": [], "groups": []}
        if state["state"] in ("live", "past"):
            try:
                await self._fill(answer, flow, state)
            except StoreError as error:
                state["state"], state["text"] = "broken", str(error)
        return json_answer(answer)

    async def _fill(self, answer: FlowData, flow: Flow, state: FlowAnswer) -> None:
        if flow.results is None:
            answer["values"] = self._values(state["topic"] or "")
            return
        rows = [_document(row) for row in await self._stored.rows(*flow.results)]
        if flow.processing == "spark":
            answer["groups"] = cast(list[FlowGroup], rows)
        else:
            answer["windows"] = cast(list[FlowWindow], rows)

    def _values(self, topic: str) -> list[FlowValue]:
        return [
            {
                "ts": format_time(value.ts),
                "name": series.name,
                "value": value.value,
                "unit": series.unit,
                "host": series.host,
            }
            for series, value in self._recent.values(topic)[-MOST_VALUES:]
        ]

    def _page(self, name: str) -> Handler:
        """The page below a path of several words: its relative addresses begin with as many `../`."""
        up = "../" * name.count("/")
        text = _ADDRESS.sub(rf"\g<0>{up}", self._index.read_text())

        async def page(request: web.Request) -> web.StreamResponse:
            headers = {"Cache-Control": "no-cache"}
            return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)

        return page


def _document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON; a window is known by its end and its length."""
    return {
        name: format_time(value) if isinstance(value, datetime) else value
        for name, value in row.items()
        if name != "window_start"
    }
