"""JupyterHub with two users: each has a server, and nobody reaches that of the other."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from notebooks import remote
from tests.ports import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]
BASE = "/service/some-notebooks"
SECRET = "0123456789abcdef" * 2
MEMORY_MIB = 1024
PATIENCE = 600
CODE = f"""
import os
print(os.environ["USER"], os.getcwd(), {SECRET!r} in os.environ.values(), sorted(os.listdir("..")))
try:
    bytearray({2 * MEMORY_MIB} << 20)
except MemoryError:
    print("no more memory")
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a hub, and its sandbox."""
    sandbox = tmp_path_factory.mktemp("hub")
    (port,) = free_ports(1)
    environ = os.environ | {
        "NOTEBOOKS_SERVICE": "some-notebooks",
        "NOTEBOOKS_USERS": "ann,ben@example.com",
        "NOTEBOOKS_USER_MEM": str(MEMORY_MIB),
        "MESOS_SANDBOX": str(sandbox),
        "PORT0": str(port),
        "PROXY_SECRET": SECRET,
    }
    address = f"http://127.0.0.1:{port}{BASE}"
    with (
        (sandbox / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", "notebooks"], env=environ, cwd=sandbox, stdout=log, stderr=log
        ) as server,
    ):
        try:
            wait_for(lambda: httpx.get(f"{address}/hub/health").status_code == 200, server)
            yield address, sandbox
        finally:
            server.terminate()
            server.wait(PATIENCE)
    assert SECRET not in (sandbox / "log").read_text()


def wait_for(succeeds: Any, server: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert server is None or server.poll() is None, "the hub has ended"
        try:
            if succeeds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    pytest.fail(f"waited {PATIENCE} s")


def door(user: str) -> dict[str, str]:
    """The headers that the cluster's front door adds."""
    return {"X-Proxy-Secret": SECRET, "X-Proxy-User": user}


@pytest.fixture(scope="module")
def browsers(hub: tuple[str, Path]) -> Iterator[dict[str, httpx.Client]]:
    """A browser of each user, with the page of the own server open."""
    found = {}
    for user in ("ann", "ben@example.com"):
        browser = httpx.Client(headers=door(user), follow_redirects=True, timeout=PATIENCE)
        assert browser.get(f"{hub[0]}/hub/spawn").status_code == 200
        found[user] = browser
    for user, browser in found.items():
        page = f"{hub[0]}/user/{user}/lab"
        wait_for(lambda page=page, browser=browser: "jupyter-config-data" in browser.get(page).text)
    yield found
    for browser in found.values():
        browser.close()


def cookies(browser: httpx.Client, path: str) -> dict[str, str]:
    """What a browser sends to a path; a more specific cookie wins."""
    sent = [each for each in browser.cookies.jar if path.startswith(each.path)]
    return {each.name: each.value or "" for each in sorted(sent, key=lambda each: len(each.path))}


async def printed(address: str, headers: dict[str, str]) -> str:
    """What a kernel prints for CODE."""
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "1", "username": "", "version": "5.3"}
    message = {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": {"code": CODE, "silent": False},
        "channel": "shell",
    }
    text = ""
    async with asyncio.timeout(PATIENCE):
        connection = await websocket_connect(HTTPRequest(address, headers=headers, request_timeout=PATIENCE))
        await connection.write_message(json.dumps(message))
        while True:
            found = json.loads(await connection.read_message() or "{}")
            if found["msg_type"] == "stream":
                text += found["content"]["text"]
            if found["msg_type"] == "execute_reply":
                connection.close()
                # Until the other side has closed it, too.
                while await connection.read_message() is not None:
                    pass
                return text


@pytest.mark.parametrize("user", ["ann", "ben@example.com"])
def test_each_user_runs_cells_in_an_own_folder_with_limited_memory(
    hub: tuple[str, Path], browsers: dict[str, httpx.Client], user: str
) -> None:
    own = f"{BASE}/user/{user}"
    address, browser = f"{hub[0]}/user/{user}", browsers[user]
    sent = cookies(browser, f"{own}/api")
    listed = browser.get(f"{address}/api/contents/examples").json()["content"]
    assert "volatility.ipynb" in [each["name"] for each in listed]
    started = browser.post(f"{address}/api/kernels", headers={"X-XSRFToken": sent["_xsrf"]}, json={})
    assert started.status_code == 201, started.text
    socket = f"ws{address[4:]}/api/kernels/{started.json()['id']}/channels"
    headers = door(user) | {"Cookie": "; ".join(f"{name}={value}" for name, value in sent.items())}
    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(printed(socket, headers | {"Origin": "http://127.0.0.1:1"}))
    folder = hub[1] / "notebooks"
    assert asyncio.run(printed(socket, headers)) == (
        f"{user} {folder / user} False ['ann', 'ben@example.com']\nno more memory\n"
    )
    assert (folder / user).stat().st_mode & 0o077 == 0


def test_nobody_reaches_the_server_of_another(
    hub: tuple[str, Path], browsers: dict[str, httpx.Client]
) -> None:
    ben, contents = browsers["ben@example.com"], f"{hub[0]}/user/ann/api/contents"
    assert browsers["ann"].get(contents).status_code == 200
    for path in (contents, f"{hub[0]}/user/%61nn/api/contents", f"{hub[0]}/user/ann/lab"):
        refused = ben.get(path)
        assert (refused.status_code, "belongs to ann" in refused.text) == (403, True)
    assert ben.get(f"{hub[0]}/hub/api/users/ann").status_code in (403, 404)
    # The cookies of ann in the browser in which ben has signed in.
    stolen = {"Cookie": "; ".join(f"{n}={v}" for n, v in cookies(browsers["ann"], f"{BASE}/hub/").items())}
    assert httpx.get(contents, headers=door("ben@example.com") | stolen).status_code == 403
    home = httpx.get(f"{hub[0]}/hub/home", headers=door("ben@example.com") | stolen)
    assert (
        home.status_code,
        "sign-in" in home.headers["Location"] or "login" in home.headers["Location"],
    ) == (
        302,
        True,
    )


def test_the_hub_lets_in_only_users_whom_the_front_door_names(hub: tuple[str, Path]) -> None:
    for headers in (
        {},
        {"X-Proxy-User": "ann"},
        {"X-Proxy-Secret": SECRET},
        door("ann") | {"X-Proxy-Secret": "wrong"},
        door("eve"),
        door("ann") | {"Origin": "http://127.0.0.1:1"},
        {"Authorization": f"token={SECRET}"},
    ):
        for path in ("/", "/hub/home", "/hub/sign-in", "/hub/api/users", "/user/ann/lab"):
            assert httpx.get(f"{hub[0]}{path}", headers=headers).status_code == 403
    health = f"{hub[0]}/hub/health"
    assert httpx.get(health).status_code == 200
    assert httpx.get(health, headers={"Origin": "http://127.0.0.1:1"}).status_code == 403


@pytest.fixture
def folder_of_ann(hub: tuple[str, Path], browsers: dict[str, httpx.Client]) -> Path:
    return hub[1] / "notebooks" / "ann"


def ran(hub: tuple[str, Path], user: str, notebook: str) -> str:
    """What a notebook prints that runs without a browser."""

    async def outputs() -> str:
        async with remote.browser(headers=door(user)) as session:
            return await remote.run(session, f"{hub[0]}/", notebook)

    return asyncio.run(outputs())


def write(notebook: Path, *cells: str) -> None:
    made = [nbformat.v4.new_markdown_cell("a text"), *map(nbformat.v4.new_code_cell, cells)]
    nbformat.write(nbformat.v4.new_notebook(cells=made), notebook)


def test_a_notebook_runs_on_the_server_of_its_user_without_a_browser(
    hub: tuple[str, Path], browsers: dict[str, httpx.Client], folder_of_ann: Path
) -> None:
    picture = "from matplotlib.pyplot import plot, show; plot([1, 2]); show()"
    cells = ("import os; who = os.environ['USER']", "print(who); print(2)", "who", picture)
    write(folder_of_ann / "own.ipynb", *cells)
    before = (folder_of_ann / "own.ipynb").read_text()
    kernels = f"{hub[0]}/user/ann/api/kernels"
    there = {each["id"] for each in browsers["ann"].get(kernels).json()}
    assert ran(hub, "ann", "own.ipynb") == "ann\n2\n'ann'\n[picture]\n"
    assert {each["id"] for each in browsers["ann"].get(kernels).json()} == there
    assert (folder_of_ann / "own.ipynb").read_text() == before


def test_a_notebook_without_a_browser_says_what_is_wrong(hub: tuple[str, Path], folder_of_ann: Path) -> None:
    write(folder_of_ann / "failing.ipynb", "print(1)", "1 / 0", "print(2)")
    for user, notebook, reason in (
        ("ann", "failing.ipynb", "a cell has failed: ZeroDivisionError: division by zero"),
        ("ann", "none.ipynb", r"contents/none\.ipynb: 404"),
        ("eve", "failing.ipynb", "You have no server here"),
    ):
        with pytest.raises(remote.RemoteError, match=reason):
            ran(hub, user, notebook)
