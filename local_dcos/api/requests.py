"""What all APIs share: reading bodies and flags, answering, errors as JSON, the check of the token."""

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from local_dcos.errors import ApiError
from local_dcos.ports import HOST

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
COOKIE = "dcos-acs-auth-cookie"
# Clients read these before they log in. They hold no secrets.
OPEN_PATHS = ("/acs/api/v1/auth/", "/dcos-metadata/", "/package-resource/", "/login/once/")
# The host names of a server on the loopback address.
NAMES = (HOST, "localhost")
BODY_SECONDS = 20.0
# The limit of a body that comes without the token.
OPEN_BODY_BYTES = 64 * 1024
MAX_LEVELS = 50
_log = logging.getLogger(__name__)


def is_set(request: web.Request, name: str) -> bool:
    """Whether a query flag such as ?force=true is set."""
    return request.query.get(name, "").lower() in ("true", "1")


async def body(request: web.Request) -> Any:
    """Returns the JSON body of a request.

    Raises:
        ApiError: 400 if the body is not strict JSON, 408 if it does not arrive in time.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            document = json.loads(await request.read())
        _check_levels(document)
        # Strict JSON has no NaN, no Infinity and no lone surrogates. Answers could not hold them.
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except TimeoutError as error:
        raise ApiError(408, f"The body did not arrive within {BODY_SECONDS:g} s") from error
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "Invalid JSON", {"details": str(error)}) from error
    return document


def _check_levels(document: Any) -> None:
    level = [document]
    for _ in range(MAX_LEVELS):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise ValueError(f"more than {MAX_LEVELS} levels")


async def object_body(request: web.Request) -> dict[str, Any]:
    """Returns the JSON body, which must be an object."""
    document = await body(request)
    if not isinstance(document, dict):
        raise ApiError(400, "Invalid JSON", {"details": "an object was expected"})
    return document


def same(given: str, secret: str) -> bool:
    """Compares any text with a secret, in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


def answer(document: Any, status: int = 200, **headers: str) -> web.Response:
    """Returns a JSON answer. Underscores in the names of headers become hyphens."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return web.json_response(document, status=status, headers=named)


def same_origin_only(may_read: Callable[[web.Request], bool]) -> Middleware:
    """Returns a middleware that refuses other host names that point at this machine, and requests of other
    origins that `may_read` does not accept.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = request.host.rpartition(":")[0] or request.host
        if name not in NAMES:
            raise ApiError(403, f"This host name is not allowed; use http://{HOST}")
        own = f"http://{request.host}"
        if request.headers.get("Origin", own) != own and not may_read(request):
            raise ApiError(403, "Requests from other origins are not allowed")
        return await handler(request)

    return check


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns errors into the JSON that Marathon's clients read."""
    try:
        return await handler(request)
    except ApiError as error:
        return answer(error.body, error.status)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return answer({"message": error.reason}, error.status)
    except ConnectionResetError:
        raise
    except Exception as error:
        _log.exception("%s %s failed", request.method, request.path)
        return answer({"message": f"{type(error).__name__}: {error}"}, 500)


def token_check(token: str, may_pass: Callable[[web.Request], bool], hint: str) -> Middleware:
    """Returns a middleware that accepts requests with the token, and those that `may_pass` accepts.

    hint: how a browser is signed in.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("token=")
        given = given or request.cookies.get(COOKIE, "")
        if same(given, token) or may_pass(request):
            return await handler(request)
        if request.path.startswith(OPEN_PATHS):
            return await handler(request.clone(client_max_size=OPEN_BODY_BYTES))
        if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            return web.Response(status=401, text=f"You are not signed in. {hint}\n")
        document = {"title": "401 Unauthorized", "message": "Authentication failed: no valid token was sent"}
        return answer(document, 401, WWW_Authenticate="acsjwt")

    return check
