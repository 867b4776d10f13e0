"""What handlers need of requests and answers: parameters, mistakes told as JSON, who may change something."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CSRF_HEADER = "X-Requested-By"
"""A page of another origin can't send this header: a browser asks first, and is not answered."""
PROXY_HEADER = "X-Proxy-Secret"
"""What the cluster's front door and this task know, and nobody else."""


class BadRequest(web.HTTPBadRequest):
    """What a request holds can't be; `field` is the one at fault."""

    def __init__(self, message: str, field: str | None) -> None:
        super().__init__(text=message)
        self.field = field


def known(kind: str, value: str, there_are: Collection[str]) -> str:
    """The value if it is one of those there are; raises HTTPNotFound naming them."""
    if value not in there_are:
        some = ", ".join([*there_are][:10])
        raise web.HTTPNotFound(text=f"no {kind} {value!r} here; there are {some}")
    return value


def chosen(request: web.Request, name: str, there_are: Collection[str]) -> set[str]:
    """The values of a parameter that may be repeated; empty where it is missing."""
    return {known(name, one, there_are) for one in request.query.getall(name, [])}


def since(request: web.Request) -> datetime | None:
    """The parameter `since`; raises HTTPBadRequest when it is no time."""
    text = request.query.get("since")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise web.HTTPBadRequest(
            text=f'since={text} must be a time such as "2026-11-22 01:02:03.004" (UTC) or ISO-8601'
        ) from None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


async def body_of(request: web.Request) -> Any:
    """The JSON that a request holds, None where it holds none: NaN and Infinity are no JSON."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the body must be JSON: Content-Type: application/json")
    try:
        body = json.loads(await request.read())
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None
    return body


def came_through_the_front_door(request: web.Request, secret: str) -> bool:
    """Whether the proxy that asks users for their login has passed a request on."""
    given = request.headers.get(PROXY_HEADER, "")
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


def require_csrf_header(request: web.Request) -> None:
    """Raises HTTPForbidden when a browser may have been led to this request by a page of another origin.

    Whether the user may be here at all is asked at the front door.
    """
    if CSRF_HEADER not in request.headers:
        raise web.HTTPForbidden(text=f"a request that changes something needs the header {CSRF_HEADER}")
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        raise web.HTTPForbidden(text=f"{origin} is not the origin of this page")


def records_answer(name: str, records: Collection[bytes]) -> web.Response:
    """An answer that holds records as they stand in Kafka."""
    body = f'{{"{name}": ['.encode() + b", ".join(records) + b"]}"
    response = web.Response(body=body, content_type="application/json")
    response.enable_compression()
    return response


def json_answer(document: object) -> web.Response:
    """An answer in JSON, compressed where it pays."""
    response = web.json_response(document)
    response.enable_compression()
    return response


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is refused is told as {"message"}, with the field at fault where there is one."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        field = {"field": error.field} if isinstance(error, BadRequest) else {}
        return web.json_response({"message": error.text, **field}, status=error.status)
