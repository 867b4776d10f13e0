"""The host names that the page answers to."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from dashboard.settings import Settings
from dashboard.web import Server

REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "POSITIONS": "AAPL", "JOB_NAME": "job"}


def is_let_in(environ: dict[str, str], path: str = "/", method: str = "GET", **headers: str) -> bool:
    """Whether a page with these settings handles such a request."""

    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response()

    async def ask() -> bool:
        server = Server(Settings.from_environ({**REQUIRED, **environ}))
        try:
            await server._authorize(make_mocked_request(method, path, headers=headers), handler)
        except web.HTTPForbidden:
            return False
        return True

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("environ", "accepted", "refused"),
    [
        ({}, ["127.0.0.1:3030", "localhost", "[::1]:3030"], ["evil.example", "evil.example:3030", ""]),
        ({"HOST": "10.0.0.7"}, ["10.0.0.7:3030", "page.example"], []),
        (
            {"HOST": "10.0.0.7", "ALLOWED_HOSTS": "localhost, Page.Example"},
            ["localhost:3030", "page.example", "PAGE.example:3030"],
            ["127.0.0.1:3030", "evil.example:3030", "localhost.evil.example", ""],
        ),
    ],
)
def test_names_that_lead_here_by_accident_are_refused(environ, accepted, refused):
    assert [name for name in accepted if not is_let_in(environ, Host=name)] == []
    assert [name for name in refused if is_let_in(environ, Host=name)] == []
