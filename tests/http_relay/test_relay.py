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
# What a door adds for the server behind.
ADDED = "for this server only"
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version": "13",
}


async def seen(request: web.Request) -> web.Response:
    """Answers with what it was sent; compressed, with a cookie, and with a header that must not pass."""
    document = {
        "path": request.raw_path,
        "headers": dict(request.headers),
        "body": (await request.read()).hex(),
    }
    answer = web.Response(body=gzip.compress(json.dumps(document).encode()), status=207)
    answer.headers.update({"Content-Encoding": "gzip", "X-Secret": "of the server", "X-Own": "passes"})
    answer.headers.update({"Connection": "keep-alive, X-Hop", "X-Hop": "of the server"})
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
    socket = web.WebSocketResponse(protocols=["second"])
    await socket.prepare(request)
    async for message in socket:
        await (socket.send_str if message.type is aiohttp.WSMsgType.TEXT else socket.send_bytes)(message.data)
    return socket


async def sink(request: web.Request) -> web.WebSocketResponse:
    """Answers each message, of any size, with its length."""
    socket = web.WebSocketResponse(max_msg_size=0)
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(str(len(message.data)))
    return socket


async def source(request: web.Request) -> web.WebSocketResponse:
    """Sends a message of the length that it is asked for."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_bytes(b"\0" * int(request.query["length"]))
    await socket.receive()
    return socket


async def refuse(request: web.Request) -> web.Response:
    headers = {
        "Content-Encoding": "gzip",
        "WWW-Authenticate": "Basic",
        "X-Secret": "of the server",
        "X-Own": "passes",
    }
    return web.Response(status=int(request.match_info["status"]), headers=headers, body=gzip.compress(b"no"))


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
    talk: Callable[[aiohttp.ClientSession, URL], Awaitable[None]],
    *more: web.RouteDef,
    max_message_bytes: int = LIMIT,
    host: str = "127.0.0.1",
) -> None:
    """Runs `talk` with the address of a door before a server, which has these routes, too."""

    async def run() -> None:
        relay = Relay(
            hidden=["X-Secret"],
            hidden_cookies=["login", "session-*"],
            connect_seconds=PATIENCE,
            max_message_bytes=max_message_bytes,
        )
        behind = serving(
            *more,
            web.get("/echo", echo),
            web.get("/sink", sink),
            web.get("/source", source),
            web.get("/refuse/{status}", refuse),
            web.get("/torn", torn),
            web.route("*", "/{any:.*}", seen),
        )
        async with asyncio.timeout(PATIENCE), behind as server:

            async def handle(request: web.Request) -> web.StreamResponse:
                to = URL(f"{server.with_host(host).origin()}{request.rel_url.raw_path_qs}", encoded=True)
                headers = relay.headers(request)
                headers["X-Added"] = ADDED
                try:
                    return await relay.pass_on(request, to, headers)
                except aiohttp.ClientError as error:
                    return web.Response(status=502, text=str(error))

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
            "Connection": "keep-alive, x-hop",
            "Cookie": "a=1; login=x; loginname=b; session-1=x; session-=x;b=2; session=c",
            "Proxy-Authorization": "Basic eA==",
            "TE": "trailers",
            "X-Hop": "of the client",
            "x-secret": "of the client",
            "X-Own": "1",
        }
        for method in ("PUT", "POST"):
            async with session.request(method, url, data=body, headers=headers) as answer:
                got = json.loads(gzip.decompress(await answer.read()))
                assert (answer.status, answer.headers["X-Own"]) == (207, "passes")
                assert not {"X-Secret", "X-Hop"} & set(answer.headers)
                assert answer.cookies["theirs"].value == "1"
            assert (got["path"], bytes.fromhex(got["body"])) == ("/a%2Fb?x=%20y", body)
            sent = got["headers"]
            # The cookie of the first answer is not in the second request.
            assert (sent["X-Own"], sent["Content-Encoding"]) == ("1", "gzip")
            assert sent["Cookie"] == "a=1; loginname=b; b=2; session=c"
            assert not {"x-secret", "te", "proxy-authorization", "x-hop"} & {name.lower() for name in sent}

    # aiohttp's own jar ignores the cookies of a host that is an address.
    through_a_relay(talk, host="localhost")


def test_the_relay_adds_no_header_and_no_body() -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        without = ["Accept", "Accept-Encoding", "User-Agent"]
        async with session.get(door / "x", skip_auto_headers=without) as answer:
            got = json.loads(gzip.decompress(await answer.read()))
        assert (got["headers"], got["body"]) == ({"Host": door.authority, "X-Added": ADDED}, "")

    through_a_relay(talk)


def test_an_answer_that_ends_in_its_middle_is_not_a_whole_one() -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.get(door / "torn") as answer:
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()

    through_a_relay(talk)


def test_redirects_go_to_the_client_and_the_relay_asks_nobody_else() -> None:
    asked: list[str] = []

    async def spy(request: web.Request) -> web.Response:
        asked.append(f"{request.raw_path} {request.headers.get('X-Added')}")
        return web.Response()

    async def moved(request: web.Request) -> web.Response:
        return web.Response(
            status=int(request.match_info["status"]), headers={"Location": request.query["to"]}
        )

    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with serving(web.route("*", "/{any:.*}", spy)) as other:
            for status in (301, 302, 303, 307, 308):
                to = str(other / "elsewhere")
                url = door / "moved" / str(status) % {"to": to}
                for headers in ({}, WEBSOCKET):
                    async with session.get(url, headers=headers, allow_redirects=False) as answer:
                        assert (answer.status, answer.headers["Location"]) == (status, to)

    through_a_relay(talk, web.get("/moved/{status}", moved))
    assert asked == []


def test_a_websocket_passes_messages_and_the_protocol() -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.ws_connect(door / "echo", protocols=["first", "second"]) as socket:
            assert socket.protocol == "second"
            await socket.send_str("é" * 100)
            assert await socket.receive_str() == "é" * 100
            await socket.send_bytes(b"\0" * (LIMIT - 1))
            assert await socket.receive_bytes() == b"\0" * (LIMIT - 1)

    through_a_relay(talk)


# Without a limit of its own, aiohttp's is 4 MiB.
@pytest.mark.parametrize(("limit", "passes"), [(LIMIT, LIMIT - 1), (0, 4 * 1024**2 + 1)])
def test_messages_up_to_the_limit_pass_either_way(limit: int, passes: int) -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.ws_connect(door / "sink") as socket:
            await socket.send_bytes(b"\0" * passes)
            assert await socket.receive_str() == str(passes)
        async with session.ws_connect(door / "source" % {"length": passes}, max_msg_size=0) as socket:
            assert len(await socket.receive_bytes()) == passes

    through_a_relay(talk, max_message_bytes=limit)


@pytest.mark.parametrize("path", ["sink", "source"])
def test_a_longer_message_ends_the_connection(path: str) -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.ws_connect(door / path % {"length": LIMIT + 1}) as socket:
            if path == "sink":
                await socket.send_bytes(b"\0" * (LIMIT + 1))
            got = await socket.receive()
            assert (got.type, got.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)

    through_a_relay(talk)


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


# 0: a close without a code, for which aiohttp sends 1000.
@pytest.mark.parametrize(("code", "passed"), [(4001, 4001), (1011, 1011), (0, 1000)])
def test_the_code_of_a_close_passes_either_way(code: int, passed: int) -> None:
    async def close(socket: Socket) -> None:
        if code:
            await socket.close(code=code)
        else:
            await socket.send_frame(b"", aiohttp.WSMsgType.CLOSE)

    async def closes(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await close(socket)
        return socket

    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.ws_connect(door / "closes") as socket:
            await socket.receive()
            assert socket.close_code == passed
        async with session.ws_connect(door / "hears") as socket:
            await close(socket)
            assert await heard.get() == passed

    heard, hears = hearing()
    through_a_relay(talk, web.get("/closes", closes), hears)


def test_a_lost_connection_closes_the_other_as_one_that_goes_away() -> None:
    async def loses(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        request.transport.close()
        return socket

    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.ws_connect(door / "loses") as socket:
            await socket.receive()
            assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
        async with session.get(door / "hears", headers=WEBSOCKET) as answer:
            answer.close()
            assert await heard.get() == aiohttp.WSCloseCode.GOING_AWAY

    heard, hears = hearing()
    through_a_relay(talk, web.get("/loses", loses), hears)


def hearing() -> tuple[asyncio.Queue[int | None], web.RouteDef]:
    """A server's WebSocket at /hears, and the codes that it was closed with."""
    heard: asyncio.Queue[int | None] = asyncio.Queue()

    async def hears(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        heard.put_nowait(socket.close_code)
        return socket

    return heard, web.get("/hears", hears)


@pytest.mark.parametrize("status", [304, 401, 426, 503])
def test_a_refused_websocket_has_the_servers_status_and_headers(status: int) -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.get(door / "refuse" / str(status), headers=WEBSOCKET) as answer:
            assert (answer.status, await answer.read()) == (status, b"")
            headers = answer.headers
        assert (headers["WWW-Authenticate"], headers["X-Own"]) == ("Basic", "passes")
        assert not {"X-Secret", "Content-Encoding"} & set(headers)

    through_a_relay(talk)


def test_an_answer_that_neither_opens_a_websocket_nor_refuses_it_is_an_error() -> None:
    async def wrong_key(request: web.Request) -> web.Response:
        headers = {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Accept": "x"}
        return web.Response(status=101, headers=headers)

    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        for path in ("refuse/200", "refuse/204", "wrong"):
            async with session.get(f"{door}/{path}", headers=WEBSOCKET) as answer:
                assert answer.status == 502

    through_a_relay(talk, web.get("/wrong", wrong_key))


def test_only_a_get_is_a_websocket() -> None:
    async def talk(session: aiohttp.ClientSession, door: URL) -> None:
        async with session.post(door / "echo", data=b"body", headers=WEBSOCKET) as answer:
            got = json.loads(gzip.decompress(await answer.read()))
            assert (answer.status, bytes.fromhex(got["body"])) == (207, b"body")
            assert "Upgrade" not in got["headers"]

    through_a_relay(talk)
