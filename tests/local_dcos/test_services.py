"""Logs, the proxy to apps, the state of Mesos."""

import asyncio
import contextlib
import sys
import urllib.request

import aiohttp
import pytest

ECHO = """
import asyncio, os
from aiohttp import web
async def socket(request):
    one = web.WebSocketResponse(); await one.prepare(request)
    async for message in one: await one.send_str("echo " + message.data)
    return one
async def stream(request):
    answer = web.StreamResponse(); await answer.prepare(request)
    for part in range(3): await answer.write(f"part {part}\\n".encode())
    return answer
async def endless(request):
    answer = web.StreamResponse(); await answer.prepare(request)
    try:
        while True: await answer.write(b"more\\n"); await asyncio.sleep(0.05)
    except ConnectionResetError:
        open("left", "w").close()
        raise
async def seen(request):
    body = await request.text()
    document = {"path": request.raw_path, "headers": dict(request.headers), "body": body}
    return web.json_response(document, status=207)
app = web.Application()
app.add_routes([web.get("/socket", socket), web.get("/stream", stream), web.get("/endless", endless)])
app.add_routes([web.route("*", "/{any:.*}", seen)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT1"]), print=None)
"""


@pytest.fixture
def echo(cluster):
    """An app behind /service/echo, on its second port."""
    check = {"protocol": "TCP", "portIndex": 1, "gracePeriodSeconds": 30, "intervalSeconds": 1}
    labels = {"DCOS_SERVICE_NAME": "echo", "DCOS_SERVICE_PORT_INDEX": "1", "DCOS_SERVICE_SCHEME": "http"}
    cluster.run(
        {
            "id": "/echo",
            "args": [sys.executable, "-c", ECHO],
            "portDefinitions": [{"name": "a"}, {"name": "b"}],
            "healthChecks": [check],
            "labels": labels,
        }
    )
    return cluster


def test_a_request_reaches_the_app_without_the_token(echo):
    status, seen = echo.call("PUT", "/service/echo/a%2Fb?x=%20y", '"body"', **{"X-Own": "1"})
    assert (status, seen["path"], seen["body"]) == (207, "/a%2Fb?x=%20y", '"body"')
    assert seen["headers"]["X-Own"] == "1"
    assert echo.token not in str(seen)
    assert echo.call("GET", "/service/echo/stream") == (200, "part 0\npart 1\npart 2\n")
    assert echo.call("GET", "/service/nobody/")[0] == 404


def test_websockets_pass(echo):
    async def talk() -> str:
        headers = {"Authorization": f"token={echo.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.ws_connect(f"{echo.url}/service/echo/socket") as socket,
        ):
            await socket.send_str("hi")
            return str(await socket.receive_str(timeout=5))

    assert asyncio.run(talk()) == "echo hi"


def test_a_client_that_leaves_a_stream_is_no_error(echo):
    log = echo.home / "agent.log"
    before = log.read_text()
    request = urllib.request.Request(f"{echo.url}/service/echo/endless")
    request.add_header("Authorization", f"token={echo.token}")
    with urllib.request.urlopen(request, timeout=10) as stream:
        assert stream.readline() == b"more\n"
    task = echo.app("/echo")["tasks"][0]["id"]
    echo.wait_for((echo.home / "sandboxes" / task / "left").exists)
    assert log.read_text().removeprefix(before) == ""


def test_streams_do_not_block_other_clients(echo):
    async def talk() -> None:
        headers = {"Authorization": f"token={echo.token}"}
        async with (
            aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session,
            contextlib.AsyncExitStack() as held,
        ):
            for _ in range(120):
                async with asyncio.timeout(10):
                    opened = session.ws_connect(f"{echo.url}/service/echo/socket")
                    socket = await held.enter_async_context(opened)
                    await socket.send_str("hi")
                    assert await socket.receive_str() == "echo hi"

    asyncio.run(talk())


def test_logs_whole_tail_and_limit(cluster):
    app = cluster.run({"id": "/talk", "cmd": "seq 1 500; echo oh >&2; exec sleep 1000"})
    task = app["tasks"][0]["id"]
    log = f"/system/v1/logs/v2/task/{task}/file"
    cluster.wait_for(lambda: cluster.call("GET", f"{log}/stderr?cursor=END&skip=-5")[1] == "oh\n")
    numbers = [str(number) for number in range(1, 501)]
    assert cluster.call("GET", f"{log}/stdout?cursor=END&skip=-3")[1].split() == numbers[-3:]
    assert cluster.call("GET", f"{log}/stdout?cursor=BEG&skip=10&limit=2")[1].split() == ["11", "12"]
    assert cluster.call("GET", f"{log}/stdout")[1].split() == numbers
    assert cluster.call("GET", f"{log}/nothing")[0] == 404
    assert cluster.call("GET", f"{log}/..%2F..%2F..%2Ftoken")[0] == 404
    assert cluster.call("GET", "/system/v1/logs/v2/task/..%2F..%2F/file/token")[0] == 404


def test_following_a_log(cluster):
    app = cluster.run(
        {"id": "/go", "cmd": "echo first; while [ ! -e go ]; do sleep 0.05; done; echo '{\"a\": 1}'"}
    )
    task = app["tasks"][0]["id"]
    headers = {"Authorization": f"token={cluster.token}", "Accept": "text/event-stream"}
    url = f"{cluster.url}/system/v1/logs/v2/task/{task}/file/stdout?cursor=END&skip=-10"
    seen = []
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as stream:
        for line in stream:
            if line.startswith(b"data:"):
                seen.append(line.decode().strip())
                (cluster.home / "sandboxes" / task / "go").touch()
    assert seen == [
        'data: {"fields": {"MESSAGE": "first"}}',
        'data: {"fields": {"MESSAGE": "{\\"a\\": 1}"}}',
    ]


def test_a_chatty_task_does_not_fill_the_disk(cluster):
    app = cluster.run(
        {"id": "/chatty", "cmd": "yes 'all work and no play' | head -c 60000000; exec sleep 1000"}
    )
    sandbox = cluster.home / "sandboxes" / app["tasks"][0]["id"]
    cluster.wait_for((sandbox / "stdout.1").exists)
    cluster.wait_for(lambda: (sandbox / "stdout").stat().st_size < 9_000_000)


def test_mesos_state_names_tasks_as_mesos_does(cluster):
    app = cluster.run({"id": "/a/b", "cmd": "exec sleep 1000"})
    state = cluster.call("GET", "/mesos/master/state.json")[1]
    task = state["frameworks"][0]["tasks"][0]
    assert (task["name"], task["id"], task["state"]) == ("b.a", app["tasks"][0]["id"], "TASK_RUNNING")
    assert task["slave_id"] == state["slaves"][0]["id"]


def test_the_addresses_that_need_no_token(cluster):
    assert cluster.call("GET", "/dcos-metadata/dcos-version.json", Authorization="")[0] == 200
    login = {"uid": "me", "password": cluster.token}
    assert cluster.call("POST", "/acs/api/v1/auth/login", login, Authorization="") == (
        200,
        {"token": cluster.token},
    )
    assert cluster.call("POST", "/acs/api/v1/auth/login", {"password": "x"}, Authorization="")[0] == 401
