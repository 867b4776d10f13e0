"""/api/limits: reads and writes the limits of positions."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web

from dashboard.history import History
from dashboard.requests import BadRequest, body_of, json_answer, known, records_answer, require_csrf_header
from dashboard.settings import Settings
from kafka_topic.contracts import Limits
from kafka_topic.errors import ContractError, KafkaTopicError, LimitsError, SymbolError
from kafka_topic.limits import LimitsStore

KAFKA_SECONDS = 10.0
FIELDS = tuple(each.name for each in dataclasses.fields(Limits) if each.default is None)
T = TypeVar("T")


class LimitsApi:
    """The handlers of /api/limits."""

    def __init__(self, settings: Settings, history: History) -> None:
        self._store = LimitsStore(settings.bootstrap_servers, prefix=settings.prefix, timeout=KAFKA_SECONDS)
        self._signals = settings.signals
        self._history = history

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/limits", self.read),
            web.post("/api/limits", self.change),
            web.delete("/api/limits", self.clear),
        ]

    async def read(self, request: web.Request) -> web.Response:
        """The limits that are set; `position` selects positions."""
        wanted = request.query.getall("position", [])
        found = await self._ask(self._store.read)
        chosen = [limits for symbol, limits in found.items() if not wanted or symbol in wanted]
        return records_answer("limits", [limits.to_json() for limits in chosen])

    async def change(self, request: web.Request) -> web.Response:
        """Change the named fields of the named positions' limits, and keep the others."""
        require_csrf_header(request)
        symbols, changes = await self._body(request)
        now = await self._ask(
            lambda: self._store.set(symbols, changes, check=lambda limits: limits.check_regime(self._signals))
        )
        return records_answer("limits", [limits.to_json() for limits in now])

    async def clear(self, request: web.Request) -> web.Response:
        """Clear the limits of some positions; with all=true, of every position."""
        require_csrf_header(request)
        symbols = [*dict.fromkeys(request.query.getall("position", []))]
        everything = request.query.get("all") == "true"
        if bool(symbols) == everything:
            raise web.HTTPBadRequest(
                text="name the positions in the parameter position, or add all=true for all of them"
            )
        cleared = await self._ask(lambda: self._store.clear(None if everything else symbols))
        return json_answer({"cleared": cleared})

    async def _body(self, request: web.Request) -> tuple[Sequence[str], dict[str, Any]]:
        body = await body_of(request)
        symbols = body.get("symbols") if isinstance(body, dict) else None
        if not isinstance(symbols, list) or not symbols:
            raise web.HTTPBadRequest(text='the body must be JSON such as {"symbols": ["AAPL"], "buy": 95}')
        changes = {name: value for name, value in body.items() if name != "symbols"}
        if unknown := sorted(changes.keys() - set(FIELDS)):
            raise BadRequest(f"unknown field {unknown[0]}; the fields are {', '.join(FIELDS)}", unknown[0])
        if not changes:
            raise web.HTTPBadRequest(text=f"the request changes nothing; the fields are {', '.join(FIELDS)}")
        return [known("position", str(symbol), self._history.positions) for symbol in symbols], changes

    async def _ask(self, call: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(call)
        except ContractError as error:
            raise BadRequest(str(error), error.field) from None
        except SymbolError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        except LimitsError as error:
            raise web.HTTPConflict(text=str(error)) from None
        except KafkaTopicError as error:
            raise web.HTTPServiceUnavailable(text=str(error)) from None
