"""Signing a browser in: a link works once and gives it a cookie that opens one service only.

A browser must not get the token: it sends cookies to every port of a host, so each server on this machine
could read it. The signed cookie is valid for one path. Like the token it ends with the cluster: the browser
may send it to another server that uses the port later, which could try it when the cluster is back.

All clusters on a machine have the same host. Each has a cookie of its own name, so that a browser stays
signed in to one when it signs in to another.

A link may name a user of the service. The proxy then tells the service who that is.
"""

import hashlib
import hmac
import html
import json
import re
import secrets
import time
from urllib.parse import quote

from aiohttp import web

from local_dcos.api.requests import answer, object_body, same
from local_dcos.errors import ApiError
from local_dcos.model import Json

SESSION_COOKIE = "local-dcos-session"
"""How the names of the cookies of all clusters begin."""
LINK_SECONDS = 600
SESSION_SECONDS = 7 * 24 * 3600
MAX_LINKS = 1000
USER = re.compile(r"[A-Za-z0-9._@+-]{0,64}")
# Without an icon, browsers request one, which would be refused.
ICON = '<link rel="icon" href="data:,">'
LINKS = "/login/links"
LOGIN = "/login/once/"


class Sessions:
    """Makes links and cookies, and checks cookies."""

    def __init__(self, cluster: Json) -> None:
        self._cookie = f"{SESSION_COOKIE}-{cluster['id']}"
        self._again = sign_in_hint(cluster)
        self._key = secrets.token_bytes(32)
        self._links: dict[str, tuple[str, str, float]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.post(LINKS, self.make_link), web.get(LOGIN + "{code}", self.use_link, allow_head=False)]

    async def make_link(self, request: web.Request) -> web.Response:
        """Answers the path of a page that signs the browser in and opens the service."""
        asked = await object_body(request)
        service, user = str(asked.get("service") or "").strip("/"), str(asked.get("user") or "")
        if not service:
            raise ApiError(400, 'Name the service: {"service": "kafka"}')
        if not USER.fullmatch(user):
            raise ApiError(400, "The user is a name of up to 64 letters, digits and . _ @ + -")
        now = time.monotonic()
        self._links = {code: link for code, link in self._links.items() if link[2] > now}
        if len(self._links) >= MAX_LINKS:
            raise ApiError(429, f"{MAX_LINKS} links are unused; they expire after {LINK_SECONDS} s")
        code = secrets.token_urlsafe(24)
        self._links[code] = (service, user, now + LINK_SECONDS)
        return answer({"path": LOGIN + code, "seconds": LINK_SECONDS})

    async def use_link(self, request: web.Request) -> web.Response:
        """Exchanges the link for the cookie.

        The answer is a page and not a redirect: a browser that comes from another site does not send a strict
        cookie along with a redirect.
        """
        service, user, until = self._links.pop(request.match_info["code"], ("", "", 0.0))
        if time.monotonic() > until:
            return page(410, f"This link was used before, or it has expired. {self._again}")
        path = f"/service/{quote(service)}/"
        response = page(200, "Signed in.", path)
        expires = str(int(time.time()) + SESSION_SECONDS)
        response.set_cookie(
            self._cookie,
            f"{expires}.{self._signature(service, expires, user)}.{user.encode().hex()}",
            path=path,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="Strict",
        )
        return response

    def allow(self, request: web.Request) -> bool:
        """Whether the cookie of a request to /service/<name>/… is valid for that service."""
        return self._user(request) is not None

    def user(self, request: web.Request) -> str:
        """The user of the service whom the cookie of such a request names; "" without one."""
        return self._user(request) or ""

    def _user(self, request: web.Request) -> str | None:
        service = request.match_info.get("name")
        expires, *rest = request.cookies.get(self._cookie, "").split(".")
        if request.match_info.route.name != SERVICE_ROUTE or not service or len(rest) != 2:
            return None
        signature, written = rest
        try:
            user = bytes.fromhex(written).decode()
        except ValueError:
            return None
        # The signature is checked first. Only then is `expires` known to be a number.
        valid = same(signature, self._signature(service, expires, user)) and int(expires) > time.time()
        return user if valid else None

    def _signature(self, service: str, expires: str, user: str) -> str:
        signed = json.dumps([service, expires, user]).encode()
        return hmac.new(self._key, signed, hashlib.sha256).hexdigest()


SERVICE_ROUTE = "service"
"""The name of the routes that a cookie may open: those to the pages of apps."""


def sign_in_hint(cluster: Json) -> str:
    """How a browser is signed in to this cluster."""
    name = cluster["name"]
    option = "" if name == "local" else f" --cluster {name}"
    return f"`pipectl open{option}` prints a link that signs you in."


def page(status: int, text: str, target: str = "") -> web.Response:
    """Returns a small page, which opens `target` if it is given."""
    refresh = f'<meta http-equiv="refresh" content="0;url={target}">' if target else ""
    link = f' <a href="{target}">Continue</a>' if target else ""
    head = f"<!doctype html><meta charset=utf-8>{ICON}{refresh}<title>local_dcos</title>"
    return web.Response(
        status=status,
        content_type="text/html",
        text=f"{head}<p>{html.escape(text)}{link}",
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )
