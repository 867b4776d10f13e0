"""Letting a browser in: a link that works once, exchanged for a cookie that opens one service only.

A browser can't be given the token: cookies know no ports, so every server on this machine that it ever visits
would be sent it. The cookie is therefore no token. It is good for one path, reads as nothing to an app, and
is checked by a signature. Like the token it ends with the cluster: whoever listens on the port afterwards may
be sent it, and must not be able to use it when the cluster is back.
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
MOST_LINKS = 1000
# Browsers would ask for one by themselves, and be refused.
ICON = '<link rel="icon" href="data:,">'
LINKS = "/login/links"
LOGIN = "/login/once/"


class Sessions:
    """Makes links and cookies, and tells whether a request's cookie is good."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._links: dict[str, tuple[str, float]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.post(LINKS, self.make_link), web.get(LOGIN + "{code}", self.use_link, allow_head=False)]

    async def make_link(self, request: web.Request) -> web.Response:
        """Answers {"path"}: a page that signs the browser in and leads on to the service."""
        service = str((await object_body(request)).get("service") or "").strip("/")
        if not service:
            raise ApiError(400, 'Name the service: {"service": "kafka"}')
        now = time.monotonic()
        self._links = {code: link for code, link in self._links.items() if link[1] > now}
        if len(self._links) >= MOST_LINKS:
            raise ApiError(429, f"{MOST_LINKS} links wait to be used; they end after {LINK_SECONDS} s")
        code = secrets.token_urlsafe(24)
        self._links[code] = (service, now + LINK_SECONDS)
        return answer({"path": LOGIN + code, "seconds": LINK_SECONDS})

    async def use_link(self, request: web.Request) -> web.Response:
        """Exchanges the link for the cookie. A page of our own leads on: a strict cookie isn't sent along by
        a redirect when the link was followed from elsewhere."""
        service, until = self._links.pop(request.match_info["code"], ("", 0.0))
        if time.monotonic() > until:
            return page(410, "This link was used before, or is too old. Ask for a new one: `pipectl open`.")
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
        """Tells whether the cookie of a request to /service/<name>/… is good for that service."""
        service = request.match_info.get("name")
        if request.match_info.route.name != SERVICE_ROUTE or not service:
            return False
        expires, _, signature = request.cookies.get(SESSION_COOKIE, "").partition(".")
        # The signature first: what it fits was written here.
        return same(signature, self._signature(service, expires)) and int(expires) > time.time()

    def _signature(self, service: str, expires: str) -> str:
        return hmac.new(self._key, json.dumps([service, expires]).encode(), hashlib.sha256).hexdigest()


SERVICE_ROUTE = "service"
"""The name of the routes that a cookie may open: those to the apps' own pages."""


def page(status: int, text: str, onward: str = "") -> web.Response:
    """A small page; `onward` is where it leads."""
    lead = f'<meta http-equiv="refresh" content="0;url={onward}">' if onward else ""
    link = f' <a href="{onward}">Go on</a>' if onward else ""
    return web.Response(
        status=status,
        content_type="text/html",
        text=f"<!doctype html><meta charset=utf-8>{ICON}{lead}<title>local_dcos</title><p>{text}{link}",
        headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
    )
