"""Signing a browser in: a link that works once, and a cookie for one service."""

import asyncio
import http.cookies
import sys
import urllib.request

import aiohttp
import pytest

SESSION = "local-dcos-session"
SEEN = """
import os
from aiohttp import web
async def seen(request):
    return web.json_response({"headers": dict(request.headers), "path": request.raw_path})
async def socket(request):
    one = web.WebSocketResponse(); await one.prepare(request)
    await one.send_str("in"); return one
app = web.Application()
app.add_routes([web.get("/socket", socket), web.route("*", "/{any:.*}", seen)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT0"]), print=None)
"""


@pytest.fixture
def page(cluster):
    """An app with a page, behind /service/page/."""
    check = {"protocol": "TCP", "portIndex": 0, "gracePeriodSeconds": 30, "intervalSeconds": 1}
    labels = {"DCOS_SERVICE_NAME": "page", "DCOS_SERVICE_PORT_INDEX": "0", "DCOS_SERVICE_SCHEME": "http"}
    args = [sys.executable, "-c", SEEN]
    cluster.run({"id": "/page", "args": args, "healthChecks": [check], "labels": labels})
    return cluster


def link_of(cluster, service="page"):
    return cluster.local_dcos("link", "--service", service).stdout.strip().removeprefix(cluster.url)


def sign_in(cluster, link):
    """Follows a link as a browser does. Returns the cookie."""
    with urllib.request.urlopen(cluster.url + link, timeout=10) as answer:
        ((name, cookie),) = http.cookies.SimpleCookie(answer.headers["Set-Cookie"]).items()
        assert name.startswith(f"{SESSION}-")
        assert "/service/page/" in answer.read().decode()
    return cookie


def call(cluster, path, cookie, method="GET", **headers):
    return cluster.call(method, path, Authorization="", Cookie=f"{cookie.key}={cookie.value}", **headers)


def test_a_link_signs_in_once_with_a_cookie_for_one_path(page):
    link = link_of(page)
    cookie = sign_in(page, link)
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/service/page/", True, "Strict")
    assert page.token not in cookie.value
    assert call(page, "/service/page/a", cookie)[0] == 200
    status, text = page.call("GET", link, Authorization="")
    assert status == 410
    assert "pipectl open" in text


def test_the_cookie_opens_nothing_else_and_the_app_does_not_see_it(page):
    cookie = sign_in(page, link_of(page))
    for path in ("/service/marathon/v2/apps", "/service/other/", "/mesos/master/state.json", "/login/links"):
        assert call(page, path, cookie)[0] == 401
    assert call(page, "/login/links", cookie, "POST")[0] == 401
    assert SESSION not in str(call(page, "/service/page/", cookie)[1])


def test_other_origins_can_not_use_the_cookie(page):
    cookie = sign_in(page, link_of(page))
    assert call(page, "/service/page/", cookie, "POST", Origin=page.url)[0] == 200
    for origin in ("http://127.0.0.1:1", "null", "http://[", page.url.replace("http", "https")):
        assert call(page, "/service/page/", cookie, "POST", Origin=origin)[0] == 403
        assert page.call("GET", "/service/marathon/v2/apps", Origin=origin)[0] == 403
        assert page.call("POST", "/acs/api/v1/auth/login", {}, Authorization="", Origin=origin)[0] == 403


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value[:-1] + "?",
        lambda value: "9" + value,
        lambda value: "",
        lambda value: value.partition(".")[0].replace("1", "²") + ".x",
        lambda value: "9" * 5000 + ".x",
    ],
)
def test_a_forged_cookie_is_refused(page, change):
    cookie = sign_in(page, link_of(page))
    cookie.set(cookie.key, change(cookie.value), "")
    assert call(page, "/service/page/", cookie)[0] == 401


def test_a_websocket_needs_the_cookie_and_the_right_origin(page):
    cookie = sign_in(page, link_of(page))

    async def talk(origin):
        headers = {"Cookie": f"{cookie.key}={cookie.value}", "Origin": origin}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.ws_connect(f"{page.url}/service/page/socket") as socket,
        ):
            return await socket.receive_str(timeout=5)

    assert asyncio.run(talk(page.url)) == "in"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        asyncio.run(talk("http://127.0.0.1:1"))


def test_pages_of_linked_clusters_may_ask_only_for_the_summary_and_change_nothing(page):
    cookie, origin = sign_in(page, link_of(page)), "http://127.0.0.1:7"
    summary = "/service/page/api/summary"
    link = {"id": "other", "name": "other", "url": origin}
    asked = [
        ("GET", summary),
        ("POST", summary),
        ("GET", "/service/marathon/v2/apps"),
    ]

    def statuses(origin):
        return [call(page, path, cookie, method, Origin=origin)[0] for method, path in asked]

    assert statuses(origin) == [403, 403, 403]
    assert page.call("POST", "/cluster/v1/links", link)[0] == 200
    try:
        assert statuses(origin) == [200, 403, 403]
        assert page.call("GET", summary, Authorization="", Origin=origin)[0] == 401
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
        assert call(page, summary, cookie, Origin=origin, **upgrade)[0] == 403
        others = ["", "api/status", "api/summary/", "api/summary?x", "x/api/summary", "x/..%2Fapi/summary"]
        for path in [*others, "api%2Fsummary", "api/summary/../status", "x/../api/summary"]:
            assert call(page, f"/service/page/{path}", cookie, Origin=origin)[0] == 403, path
        for other in ("http://127.0.0.1:77", "http://127.0.0.1", "https://127.0.0.1:7", "http:", "null", ""):
            assert statuses(other) == [403, 403, 403], other
    finally:
        assert page.call("DELETE", "/cluster/v1/links/other")[0] == 200
    assert statuses(origin) == [403, 403, 403]


def test_a_head_request_does_not_use_up_a_link(page):
    link = link_of(page)
    assert page.call("HEAD", link, Authorization="")[0] == 405
    sign_in(page, link)


def test_apps_never_see_the_cookies_of_the_cluster(page):
    cookie = sign_in(page, link_of(page))
    ours = f"{cookie.key}={cookie.value};dcos-acs-auth-cookie=x;{SESSION}-of-another-cluster=y"
    for name in ("Cookie", "cookie"):
        for sent in (f"{ours};own=1", f"own=1;{ours}", f"own=1 ;  {ours} "):
            status, seen = page.call("GET", "/service/page/", Authorization="", **{name: sent})
            assert (status, seen["headers"]["Cookie"]) == (200, "own=1")


def test_links_need_the_token(page):
    assert page.call("POST", "/login/links", {"service": "page"}, Authorization="")[0] == 401
    assert page.call("POST", "/login/links", {})[0] == 400
    assert page.call("GET", "/login/once/guessed", Authorization="")[0] == 410


def test_a_browser_without_a_cookie_gets_the_next_step(page):
    status, text = page.call("GET", "/service/page/", Authorization="", Accept="text/html")
    assert status == 401
    assert "pipectl open" in text


def test_a_link_may_name_a_user_whom_only_the_proxy_names_to_the_app(page):
    made = page.local_dcos("link", "--service", "page", "--user", "ann@example.com").stdout.strip()
    cookie = sign_in(page, made.removeprefix(page.url))
    nobody = sign_in(page, link_of(page))
    for sent, user in ((cookie, "ann@example.com"), (nobody, None)):
        for headers in ({}, {"X-Proxy-User": "ben"}, {"x-proxy-user": "ben"}):
            status, seen = call(page, "/service/page/", sent, **headers)
            assert (status, seen["headers"].get("X-Proxy-User")) == (200, user)
    assert "X-Proxy-User" not in page.call("GET", "/service/page/", **{"X-Proxy-User": "ben"})[1]["headers"]
    forged = cookie.value.rpartition(".")[0] + "." + b"ben".hex()
    assert page.call("GET", "/service/page/", Authorization="", Cookie=f"{cookie.key}={forged}")[0] == 401
    assert page.call("POST", "/login/links", {"service": "page", "user": "a b"})[0] == 400


def test_the_proxy_adds_no_headers_of_a_client(page):
    status, seen = page.call("GET", "/service/page/x", Accept_Encoding="")
    assert (status, seen["headers"]["Host"]) == (200, page.url.removeprefix("http://"))
    assert "gzip" not in seen["headers"].get("Accept-Encoding", "")


def test_a_service_without_a_slash_is_redirected(page):
    status, seen = page.call("GET", "/service/page?a=b")
    assert (status, seen["path"]) == (200, "/?a=b")
