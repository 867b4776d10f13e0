"""What every API shares: reading bodies and flags, answering, errors as JSON, the token."""

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
# Read before there is a login, and by clients that send no token; nothing secret is in them.
OPEN_PATHS = ("/acs/api/v1/auth/", "/dcos-metadata/", "/package-resource/", "/login/once/")
# The names by which a server on the loopback address is meant.
NAMES = (HOST, "localhost")
BODY_SECONDS = 20.0
# Of a body that nobody answers for.
OPEN_BODY_BYTES = 64 * 1024
MOST_LEVELS = 50
_log = logging.getLogger(__name__)


def is_set(request: web.Request, name: str) -> bool:
    """Tells whether a query flag such as ?force=true is set."""
    return request.query.get(name, "").lower() in ("true", "1")


async def body(request: web.Request) -> Any:
    """Returns the JSON body of a request.

    Raises:
        ApiError: 400 when it isn't JSON, or can't be answered as such; 408 when it does not come.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS):
            document = json.loads(await request.read())
        _check_levels(document)
        # NaN, Infinity and halves of characters are no JSON: refused here, they are nowhere.
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except TimeoutError as error:
        raise ApiError(408, f"The request did not come within {BODY_SECONDS:g} s") from error
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "Invalid JSON", {"details": str(error)}) from error
    return document


def _check_levels(document: Any) -> None:
    level = [document]
    for _ in range(MOST_LEVELS):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise ValueError(f"more than {MOST_LEVELS} levels")


async def object_body(request: web.Request) -> dict[str, Any]:
    """Returns the JSON body, which must be an object."""
    document = await body(request)
    if not isinstance(document, dict):
        raise ApiError(400, "Invalid JSON", {"details": "an object was expected"})
    return document


def same(given: str, secret: str) -> bool:
    """Compares what a caller sent, whatever it is, with a secret, in a time that tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


def answer(document: Any, status: int = 200, **headers: str) -> web.Response:
    """Returns a JSON answer; underscores in header names stand for hyphens."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return web.json_response(document, status=status, headers=named)


@web.middleware
async def only_by_our_name(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses pages of another origin, also those that have pointed a name of their own at this machine."""
    name = request.host.rpartition(":")[0] or request.host
    if name not in NAMES:
        raise ApiError(403, "This server answers to its own name only: http://127.0.0.1")
    if request.headers.get("Origin", f"http://{request.host}") != f"http://{request.host}":
        raise ApiError(403, "This server answers to its own pages only")
    return await handler(request)


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


def token_check(token: str, may_pass: Callable[[web.Request], bool]) -> Middleware:
    """Returns the middleware that lets only holders of `token` in, and whom `may_pass` knows."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("token=")
        given = given or request.cookies.get(COOKIE, "")
        if same(given, token) or may_pass(request):
            return await handler(request)
        if request.path.startswith(OPEN_PATHS):
            return await handler(request.clone(client_max_size=OPEN_BODY_BYTES))
        if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            return web.Response(
                status=401, text="You are not signed in. `pipectl open` prints a link that signs you in.\n"
            )
        document = {"title": "401 Unauthorized", "message": "Authentication failed: no valid token was sent"}
        return answer(document, 401, WWW_Authenticate="acsjwt")

    return check
