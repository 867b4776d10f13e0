"""`python -m notebooks.remote NOTEBOOK`: runs a notebook on the server of the user whom a link signs in.

It does what a browser does: it follows the link, waits for the server of the user, and runs all cells there.
The link comes from the standard input: whoever reads a command line could use it first.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
import uuid
from typing import Any

import aiohttp
import click
from yarl import URL

_START_SECONDS = 300.0
"""For a server to start on a busy machine."""
_CELL_SECONDS = 300.0
_LAB = re.compile(r"(.*)/lab(?:/tree(?:/.*)?)?")
"""The pages of a server, and the path of the server."""
_HUB = "/hub/"
_REFRESH = re.compile(r'http-equiv="refresh" content="\d+; *url=([^"]+)"')
_PICTURE = "image/png"


class RemoteError(Exception):
    """The server does not start, has no such notebook, or one of its cells has failed."""


def browser(**options: Any) -> aiohttp.ClientSession:
    """A session that keeps cookies, also those of an address such as 127.0.0.1. options: of aiohttp's."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), **options)


async def run(session: aiohttp.ClientSession, link: str, notebook: str) -> str:
    """What all code cells of a notebook print. link: signs the session in. Raises RemoteError.

    notebook: its path in the folder of the user. A picture is `[picture]`.
    """
    root = await server_behind(session, link)
    found = await _json(session, "GET", root / "api/contents" / notebook)
    kernel = root / "api/kernels" / (await _json(session, "POST", root / "api/kernels"))["id"]
    printed = ""
    try:
        async with session.ws_connect(kernel / "channels", max_msg_size=0) as socket:
            for cell in found["content"]["cells"]:
                if cell["cell_type"] == "code":
                    async with asyncio.timeout(_CELL_SECONDS):
                        printed += await _outputs(socket, "".join(cell["source"]))
    except TimeoutError:
        raise RemoteError(f"{notebook}: a cell has run for {_CELL_SECONDS:.0f} s without an end") from None
    finally:
        await _json(session, "DELETE", kernel)
    return printed


async def server_behind(session: aiohttp.ClientSession, link: str) -> URL:
    """The base address of the server of the user whom the link signs in, once it has started.

    Raises RemoteError.
    """
    address, deadline = URL(link), time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        async with session.get(address) as page:
            if page.status in (401, 403, 404):
                raise RemoteError(f"{address.origin()}: {(await page.text()).strip()}")
            path = page.url.path
            if page.ok and _HUB not in path and (found := _LAB.fullmatch(path)):
                return page.url.with_path(found[1])
            # The front door leads on by a page, since the link counts only once. A hub shows pages of its
            # own while it starts the server.
            if next_page := _REFRESH.search(await page.text()):
                address = page.url.join(URL(next_page[1]))
        await asyncio.sleep(1)
    raise RemoteError(f"the server has not started within {_START_SECONDS:.0f} s: {address.path}")


async def _json(session: aiohttp.ClientSession, method: str, url: URL) -> Any:
    """What the API of the server answers."""
    token = session.cookie_jar.filter_cookies(url).get("_xsrf")
    headers = {"X-XSRFToken": token.value} if token else {}
    async with session.request(method, url, headers=headers) as answer:
        if not answer.ok:
            raise RemoteError(f"{method} {url.path}: {answer.status} {(await answer.text())[:200]}")
        return await answer.json() if answer.status != 204 else None


async def _outputs(socket: aiohttp.ClientWebSocketResponse, code: str) -> str:
    """What a cell prints. Raises RemoteError if it fails."""
    number, waiting, outputs = uuid.uuid4().hex, {"execute_reply", "idle"}, ""
    header = {"msg_id": number, "msg_type": "execute_request", "session": "", "username": ""}
    content = {"code": code, "silent": False}
    await socket.send_json(
        {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    )
    # The answer may overtake what the cell prints, which ends with the state `idle`.
    while waiting:
        received = await socket.receive()
        if received.type is not aiohttp.WSMsgType.TEXT:
            raise RemoteError("the server has ended the connection to the kernel")
        message = received.json()
        if message["parent_header"].get("msg_id") == number:
            waiting -= {message["msg_type"], message["content"].get("execution_state")}
            outputs += _text(message["msg_type"], message["content"])
    return outputs


def _text(kind: str, content: dict[str, Any]) -> str:
    if kind == "error":
        raise RemoteError(f"a cell has failed: {content['ename']}: {content['evalue']}")
    if kind == "stream" and content["name"] == "stdout":
        return str(content["text"])
    if kind in ("display_data", "execute_result"):
        return f"{'[picture]' if _PICTURE in content['data'] else content['data']['text/plain']}\n"
    return ""


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example:
  pipectl open notebooks --user ann | python -m notebooks.remote examples/stores.ipynb""",
)
@click.argument("notebook")
def main(notebook: str) -> None:
    """Run NOTEBOOK on the server of a user, and print what its cells print.

    The first word of the standard input is a link that signs the user in: what `pipectl open notebooks`
    prints on `local`. NOTEBOOK stays as it is.
    """
    link = next(iter(sys.stdin.read().split()), None)
    if link is None:
        raise click.UsageError("the standard input has no link; pipe that of `pipectl open notebooks` here")

    async def printed() -> str:
        async with browser() as session:
            return await run(session, link, notebook)

    try:
        click.echo(asyncio.run(printed()), nl=False)
    except (RemoteError, aiohttp.ClientError) as error:
        click.echo(f"notebooks: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
