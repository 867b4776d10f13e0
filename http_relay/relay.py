"""A relay between a client and the server behind: requests, streams of either side, and WebSockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from fnmatch import fnmatchcase
from types import SimpleNamespace

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, MultiMapping
from yarl import URL

# They belong to one connection, and each side has one of its own.
_OF_A_CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# They tell the client how to read the body, which it gets as it was sent.
_OF_THE_BODY = frozenset({"content-length", "content-encoding"})
# aiohttp must add none of its own: a server might choose an encoding that the client can't read.
_NEVER_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


class Relay:
    """Passes requests on to servers on this machine. Open it once, and close it in the end."""

    def __init__(
        self,
        *,
        hidden: Iterable[str],
        hidden_cookies: Iterable[str],
        connect_seconds: float,
        max_message_bytes: int,
    ) -> None:
        """hidden: headers that neither side gets from the other. hidden_cookies: cookies that no server gets;
        `login-*` means all whose names begin with `login-`.

        connect_seconds: how long a server may take to accept a connection. max_message_bytes: of a message
        of a WebSocket; 0: any size. A longer one ends the connection.
        """
        self._dropped = _OF_A_CONNECTION | {name.lower() for name in hidden}
        self._hidden_cookies = tuple(hidden_cookies)
        self._connect_seconds = connect_seconds
        self._max_message_bytes = max_message_bytes

    async def open(self) -> None:
        """To be awaited once, in the loop that will use it."""
        no_redirects = aiohttp.TraceConfig()
        no_redirects.on_request_redirect.append(_refuse_redirect)
        self._session = aiohttp.ClientSession(
            # Whoever is before it limits connections. No client must wait for the streams of others.
            # A server on this machine has a certificate of its own, if any.
            connector=aiohttp.TCPConnector(limit=0, ssl=False),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds),
            auto_decompress=False,
            # The cookies of one client must not reach a server with the requests of the next.
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_NEVER_ADDED,
            trace_configs=[no_redirects],
        )

    async def close(self) -> None:
        """Ends all connections to servers."""
        await self._session.close()

    def headers(self, request: web.Request) -> CIMultiDict[str]:
        """The headers of a request that the server behind may see."""
        headers = self._passed(request.headers)
        pairs = [pair.strip() for line in headers.popall("Cookie", []) for pair in line.split(";")]
        cookies = [pair for pair in pairs if pair and not self._hides_cookie(pair.partition("=")[0].strip())]
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        return headers

    async def pass_on(self, request: web.Request, url: URL, headers: CIMultiDict[str]) -> web.StreamResponse:
        """Sends a request to `url` with these headers, and the answer back.

        A WebSocket lasts until a side closes it.

        Raises:
            aiohttp.ClientError, ValueError: The server does not answer, or not in HTTP.
        """
        if request.method != "GET" or request.headers.get("Upgrade", "").lower() != "websocket":
            return await self._http(request, url, headers)
        try:
            return await self._websocket(request, url, headers)
        except aiohttp.WSServerHandshakeError as error:
            if error.status < 300:
                # It did not refuse, and did not open a WebSocket either.
                raise
            passed = self._passed(error.headers or CIMultiDict())
            # It is about the body, which aiohttp keeps to itself.
            passed.popall("Content-Encoding", None)
            return web.Response(status=error.status, headers=passed)

    def _hides_cookie(self, name: str) -> bool:
        return any(fnmatchcase(name, hidden) for hidden in self._hidden_cookies)

    def _passed(self, headers: MultiMapping[str], kept: frozenset[str] = frozenset()) -> CIMultiDict[str]:
        lines = headers.getall("Connection", [])
        named = {name.strip().lower() for line in lines for name in line.split(",")}
        dropped = (self._dropped | named) - kept
        return CIMultiDict((key, value) for key, value in headers.items() if key.lower() not in dropped)

    async def _http(self, request: web.Request, url: URL, headers: CIMultiDict[str]) -> web.StreamResponse:
        async with self._session.request(
            request.method,
            url,
            headers=headers,
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as answer:
            passed = self._passed(answer.headers, _OF_THE_BODY)
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=passed)
            await response.prepare(request)
            try:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            except aiohttp.ClientError as error:
                # Part of the answer was sent. Closing the connection shows that the rest is missing.
                raise ConnectionResetError from error
            await response.write_eof()
            return response

    async def _websocket(
        self, request: web.Request, url: URL, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        asked = request.headers.get("Sec-WebSocket-Protocol", "")
        protocols = [one.strip() for one in asked.split(",") if one.strip()]
        limit = self._max_message_bytes
        async with self._session.ws_connect(
            url, headers=headers, protocols=protocols, max_msg_size=limit
        ) as behind:
            chosen = [behind.protocol] if behind.protocol else ()
            front = web.WebSocketResponse(protocols=chosen, max_msg_size=limit)
            await front.prepare(request)
            pumps = [asyncio.create_task(_pump(front, behind)), asyncio.create_task(_pump(behind, front))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            # The one that has closed stays as it is.
            await front.close(code=_code_for_the_other(behind))
            await behind.close(code=_code_for_the_other(front))
            return front


async def _refuse_redirect(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
) -> None:
    """Keeps `ws_connect`, which has no option for it, from sending what a door adds to another server."""
    answer = params.response
    answer.close()
    raise aiohttp.WSServerHandshakeError(
        answer.request_info, (), status=answer.status, message="Redirected", headers=answer.headers
    )


def _code_for_the_other(closed: _Socket) -> int:
    """The code to close a WebSocket with when its other side is `closed`."""
    code = closed.close_code or aiohttp.WSCloseCode.OK
    # It means a lost connection, and nobody may send it.
    return aiohttp.WSCloseCode.GOING_AWAY if code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE else code


async def _pump(source: _Socket, target: _Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)
