"""Signing a browser in: a link works once and gives it a cookie that opens one service only.

A browser must not get the token: it sends cookies to every port of a host, so each server on this machine
could read it. The signed cookie is valid for one path. Like the token it ends with the cluster: the browser
may send it to another server that uses the port later, which could try it when the cluster is back.
"""

import hashlib
import hmac
import json
import secrets
import time
from urllib.parse import quote

from aiohttp import web

from local_dcos.api.requests import answer, object_body, same
from local_dcos.errors import ApiError

SESSION_COOKIE = "local-dcos-session"
LINK_SECONDS = 600
SESSION_SECONDS = 7 * 24 * 3600
MAX_LINKS = 1000
# Without an icon, browsers request one, which would be refused.
ICON = '<link rel="icon" href="data:,">'
LINKS = "/login/links"
LOGIN = "/login/once/"


class Sessions:
    """Makes links and cookies, and checks cookies."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._links: dict[str, tuple[str, float]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.post(LINKS, self.make_link), web.get(LOGIN + "{code}", self.use_link, allow_head=False)]

    async def make_link(self, request: web.Request) -> web.Response:
        """Answers the path of a page that signs the browser in and opens the service."""
        service = str((await object_body(request)).get("service") or "").strip("/")
        if not service:
            raise ApiError(400, 'Name the service: {"service": "kafka"}')
        now = time.monotonic()
        self._links = {code: link for code, link in self._links.items() if link[1] > now}
        if len(self._links) >= MAX_LINKS:
            raise ApiError(429, f"{MAX_LINKS} links are unused; they expire after {LINK_SECONDS} s")
        code = secrets.token_urlsafe(24)
        self._links[code] = (service, now + LINK_SECONDS)
        return answer({"path": LOGIN + code, "seconds": LINK_SECONDS})

    async def use_link(self, request: web.Request) -> web.Response:
        """Exchanges the link for the cookie.

        The answer is a page and not a redirect: a browser that comes from another site does not send a strict
        cookie along with a redirect.
        """
        service, until = self._links.pop(request.match_info["code"], ("", 0.0))
        if time.monotonic() > until:
            return page(410, "This link was used before, or it has expired. `pipectl open` makes a new one.")
        path = f"/service/{quote(service)}/"
        response = page(200, "Signed in.", path)
        expires = str(int(time.time()) + SESSION_SECONDS)
        response.set_cookie(
            SESSION_COOKIE,
            f"{expires}.{self._signature(service, expires)}",
            path=path,
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="Strict",
        )
        return response

    def allow(self, request: web.Request) -> bool:
        """Whether the cookie of a request to /service/<name>/… is valid for that service."""
        service = request.match_info.get("name")
        if request.match_info.route.name != SERVICE_ROUTE or not service:
            return False
        expires, _, signature = request.cookies.get(SESSION_COOKIE, "").partition(".")
        # The signature is checked first. Only then is `expires` known to be a number.
        return same(signature, self._signature(service, expires)) and int(expires) > time.time()

    def _signature(self, service: str, expires: str) -> str:
        return hmac.new(self._key, json.dumps([service, expires]).encode(), hashlib.sha256).hexdigest()


SERVICE_ROUTE = "service"
"""The name of the routes that a cookie may open: those to the pages of apps."""


def page(status: int, text: str, target: str = "") -> web.Response:
    """Returns a small page, which opens `target` if it is given."""
    refresh = f'<meta http-equiv="refresh" content="0;url={target}">' if target else ""
    link = f' <a href="{target}">Continue</a>' if target else ""
    return web.Response(
        status=status,
        content_type="text/html",
        text=f"<!doctype html><meta charset=utf-8>{ICON}{refresh}<title>local_dcos</title><p>{text}{link}",
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )
