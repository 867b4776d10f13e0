"""What passes through the relay, and what does not."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from http_relay.relay import Relay

LIMIT = 1000
PATIENCE = 60.0


async def seen(request: web.Request) -> web.Response:
    """Answers with what it was sent; compressed, with a cookie, and with a header that must not pass."""
    document = {
        "path": request.raw_path,
        "headers": dict(request.headers),
        "body": (await request.read()).hex(),
    }
    answer = web.Response(body=gzip.compress(json.dumps(document).encode()), status=207)
    answer.headers.update({"Content-Encoding": "gzip", "X-Secret": "of the server", "X-Own": "passes"})
    answer.set_cookie("theirs", "1")
    return answer


async def torn(request: web.Request) -> web.StreamResponse:
    """Promises ten bytes, sends three, and ends the connection."""
    answer = web.StreamResponse(headers={"Content-Length": "10"})
    await answer.prepare(request)
    await answer.write(b"abc")
    assert request.transport is not None
    request.transport.close()
    return answer


async def echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(protocols=["second"], max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        await (socket.send_str if message.type is aiohttp.WSMsgType.TEXT else socket.send_bytes)(message.data)
    return socket


async def refuse(request: web.Request) -> web.Response:
    return web.Response(status=403)


@contextlib.asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[URL]:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield URL(site.name).with_port(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def through_a_relay(
    talk: Callable[[aiohttp.ClientSession, URL], Awaitable[None]], max_message_bytes: int = LIMIT
) -> None:
    """Runs `talk` with the address of a door before a server."""

    async def run() -> None:
        relay = Relay(
            hidden=["X-Secret"],
            hidden_cookies=["login"],
            connect_seconds=PATIENCE,
            max_message_bytes=max_message_bytes,
        )
        behind = serving(
            web.get("/echo", echo),
            web.get("/refuse", refuse),
            web.get("/torn", torn),
            web.route("*", "/{any:.*}", seen),
        )
        async with asyncio.timeout(PATIENCE), behind as server:

            async def handle(request: web.Request) -> web.StreamResponse:
                to = URL(f"{server.origin()}{request.rel_url.raw_path_qs}", encoded=True)
                return await relay.pass_on(request, to, relay.headers(request))

            await relay.open()
            try:
                async with (
                    serving(web.route("*", "/{any:.*}", handle)) as door,
                    aiohttp.ClientSession(
                        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
                    ) as session,
                ):
                    await talk(session, door.origin())
            finally:
                await relay.close()

    asyncio.run(run())


def test_a_request_and_its_answer_pass_as_they_are_but_for_what_is_hidden() -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        url = URL(f"{door}/a%2Fb?x=%20y", encoded=True)
        body = gzip.compress(b"body")
        headers = {
            "Content-Encoding": "gzip",
            "Cookie": "a=1; login=x; b=2",
            "TE": "trailers",
            "x-secret": "of the client",
            "X-Own": "1",
        }
        for method in ("PUT", "POST"):
            async with session.request(method, url, data=body, headers=headers) as answer:
                got = json.loads(gzip.decompress(await answer.read()))
                assert (answer.status, answer.headers["X-Own"]) == (207, "passes")
                assert "X-Secret" not in answer.headers
                assert answer.cookies["theirs"].value == "1"
            assert (got["path"], bytes.fromhex(got["body"])) == ("/a%2Fb?x=%20y", body)
            sent = got["headers"]
            # The cookie of the first answer is not in the second request.
            assert (sent["X-Own"], sent["Cookie"], sent["Content-Encoding"]) == ("1", "a=1; b=2", "gzip")
            assert not {"x-secret", "te"} & {name.lower() for name in sent}

    through_a_relay(talk)


def test_the_relay_adds_no_header_and_no_body() -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        without = ["Accept", "Accept-Encoding", "User-Agent"]
        async with session.get(door / "x", skip_auto_headers=without) as answer:
            got = json.loads(gzip.decompress(await answer.read()))
        assert (got["headers"], got["body"]) == ({"Host": door.authority}, "")

    through_a_relay(talk)


def test_an_answer_that_ends_in_its_middle_is_not_a_whole_one() -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.get(door / "torn") as answer:
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()

    through_a_relay(talk)


@pytest.mark.parametrize(("limit", "passes"), [(LIMIT, False), (0, True)])
def test_a_websocket_passes_messages_up_to_the_limit(limit: int, passes: bool) -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.ws_connect(door / "echo", protocols=["first", "second"]) as socket:
            assert socket.protocol == "second"
            await socket.send_str("é" * 100)
            assert await socket.receive_str() == "é" * 100
            await socket.send_bytes(b"\0" * (LIMIT + 1))
            got = await socket.receive()
            assert (got.type is aiohttp.WSMsgType.BINARY) is passes
            assert passes or got.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)

    through_a_relay(talk, limit)


def test_a_refused_websocket_has_the_servers_status() -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(door / "refuse")
        assert refused.value.status == 403

    through_a_relay(talk)
