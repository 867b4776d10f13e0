"""Helpers of the handlers: parameters of requests, JSON answers, errors as JSON, protection from CSRF."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CSRF_HEADER = "X-Requested-By"
"""A page of another origin can't send this header: the browser asks for permission first, and gets none."""


class BadRequest(web.HTTPBadRequest):
    """The request is invalid; `field` names the field at fault."""

    def __init__(self, message: str, field: str | None) -> None:
        super().__init__(text=message)
        self.field = field


def known(kind: str, value: str, choices: Collection[str]) -> str:
    """The value if it is one of the known ones; raises HTTPNotFound that names them."""
    if value not in choices:
        some = ", ".join([*choices][:10])
        raise web.HTTPNotFound(text=f"unknown {kind} {value!r}; known are {some}")
    return value


def chosen(request: web.Request, name: str, choices: Collection[str]) -> set[str]:
    """The values of a parameter that may be repeated; empty when it is missing."""
    return {known(name, one, choices) for one in request.query.getall(name, [])}


def since(request: web.Request) -> datetime | None:
    """The parameter `since`; raises HTTPBadRequest unless it is a time."""
    return time_of(request, "since")


def time_of(request: web.Request, name: str) -> datetime | None:
    """A parameter that is a time, None without it; raises HTTPBadRequest for anything else."""
    text = request.query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise web.HTTPBadRequest(
            text=f'{name}={text} must be a time such as "2026-11-22 01:02:03.004" (UTC) or ISO-8601'
        ) from None


async def body_of(request: web.Request) -> Any:
    """The JSON body of a request; None for other bodies. NaN and Infinity are not JSON."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the body must be JSON: Content-Type: application/json")
    try:
        body = json.loads(await request.read())
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return body


def require_csrf_header(request: web.Request) -> None:
    """Raise HTTPForbidden when a page of another origin may have made the browser send this request.

    A browser that names no origin is caught too. The front door checks whether the user has access at all.
    """
    if CSRF_HEADER not in request.headers:
        raise web.HTTPForbidden(text=f"a request that changes data needs the header {CSRF_HEADER}")


def records_answer(name: str, records: Collection[bytes]) -> web.Response:
    """An answer with records as they are in Kafka."""
    body = f'{{"{name}": ['.encode() + b", ".join(records) + b"]}"
    response = web.Response(body=body, content_type="application/json")
    response.enable_compression()
    return response


def json_answer(document: object) -> web.Response:
    """A JSON answer, compressed if the client accepts that."""
    response = web.json_response(document)
    response.enable_compression()
    return response


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as {"message"}, with the field at fault if there is one."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        field = {"field": error.field} if isinstance(error, BadRequest) else {}
        return web.json_response({"message": error.text, **field}, status=error.status)
