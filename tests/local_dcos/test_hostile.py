"""Requests of hostile and careless clients are refused with a reason, and block no one."""

import http.client
import json
import os
import socket
import subprocess
import sys

import pytest

from local_dcos import server
from local_dcos.home import Home
from local_dcos.launching import environment
from local_dcos.model import Task
from local_dcos.ports import is_another_users
from tests.no_answer import NO_ANSWER

APPS = "/service/marathon/v2/apps"
SLEEP = "exec sleep 1000"
LOGIN = "/acs/api/v1/auth/login"
SEEN = """
import os
from aiohttp import web
async def seen(request): return web.json_response(dict(request.headers))
app = web.Application(); app.add_routes([web.route("*", "/{any:.*}", seen)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT0"]), print=None)
"""


@pytest.mark.parametrize(
    "body",
    ["[" * 200_000, '{"a":' * 100_000, '"\\ud800"', "NaN", '{"a": Infinity}', "1e999", "9" * 5000, "\udcff"],
)
def test_invalid_json_is_refused_with_and_without_a_login(cluster, body):
    body = body.encode("utf-8", "surrogateescape").decode("latin-1") if body == "\udcff" else body
    for method, path in (("POST", APPS), ("PUT", f"{APPS}/a"), ("POST", "/package/list")):
        assert cluster.call(method, path, body)[0] in (400, 413)
    assert cluster.call("POST", LOGIN, body, Authorization="")[0] in (400, 413)


def test_a_long_body_without_a_login_is_refused(cluster):
    assert cluster.call("POST", LOGIN, {"password": "x" * 100_000}, Authorization="")[0] == 413


@pytest.mark.parametrize("sent", ["token=\xff", "\xff\xfe", "token=" + "x" * 5000])
def test_malformed_tokens_are_refused(cluster, sent):
    assert cluster.call("GET", APPS, Authorization=sent)[0] == 401
    assert cluster.call("GET", APPS, Authorization="", Cookie=f"dcos-acs-auth-cookie={sent}")[0] == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "evil.example:127", ""])
def test_other_host_names_are_refused(cluster, host):
    for path in (APPS, LOGIN, "/dcos-metadata/dcos-version.json"):
        assert cluster.call("GET", path, Host=host)[0] in (400, 403)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "/" + "a" * 230}, "/id"),
        ({"instances": 10**6}, "/instances"),
        ({"instances": 1.0}, "/instances"),
        ({"mem": 10**400}, "/mem"),
        ({"portDefinitions": [{}] * 101}, "/portDefinitions"),
        ({"secrets": {"key": {}}}, "/secrets/key/source"),
        ({"env": {"A": {}}}, "/env/A"),
    ],
)
def test_an_app_that_could_never_run_is_refused_with_its_path(cluster, change, path):
    status, answer = cluster.call("POST", APPS, {"id": "/bad", "cmd": "true", **change})
    assert (status, [detail["path"] for detail in answer["details"]]) == (422, [path])


def test_a_long_document_is_refused(cluster):
    app = {"id": "/long", "args": ["x" * 100] * 20_000}
    assert cluster.call("POST", APPS, app)[0] == 413


@pytest.mark.parametrize("key", ["id", "dependencies"])
def test_a_text_that_hangs_the_pattern_of_the_schema_is_answered(cluster, key):
    slashes = "/" * 100_000 + "!"
    app = {"id": "/slow", "cmd": SLEEP, "instances": 0, key: slashes if key == "id" else [slashes]}
    assert cluster.call("POST", APPS, app)[0] == (422 if key == "id" else 201)


@pytest.mark.parametrize(("strategy", "status"), [("disabled", 201), ("enabled", 422), ([1.0], 422)])
def test_an_enum_of_one_value(cluster, strategy, status):
    app = {"id": "/word", "cmd": "exec sleep 1000", "unreachableStrategy": strategy}
    assert cluster.call("POST", APPS, app)[0] == status


@pytest.mark.parametrize("container", [{"docker": None}, {"portMappings": None}])
def test_null_means_absent(cluster, container):
    app = cluster.run({"id": "/null", "cmd": "exec sleep 1000", "container": container})
    assert app["tasksRunning"] == 1


def page(cluster, program=SEEN, **labels):
    check = {"protocol": "TCP", "portIndex": 0, "gracePeriodSeconds": 30, "intervalSeconds": 1}
    labels = {"DCOS_SERVICE_NAME": "page", **labels}
    args = [sys.executable, "-c", program]
    return cluster.run({"id": "/page", "args": args, "healthChecks": [check], "labels": labels})


@pytest.mark.parametrize(
    "labels",
    [
        {"DCOS_SERVICE_SCHEME": "http://example.com/?"},
        {"DCOS_SERVICE_SCHEME": "file"},
        {"DCOS_SERVICE_PORT_INDEX": "abc"},
        {"DCOS_SERVICE_PORT_INDEX": "-1"},
        {"DCOS_SERVICE_PORT_INDEX": "²"},
    ],
)
def test_no_label_makes_the_proxy_connect_elsewhere(cluster, labels):
    page(cluster, **labels)
    status, answer = cluster.call("GET", "/service/page/x")
    assert (status, "labels" in answer["message"]) == (503, True)


def test_the_proxy_sends_a_task_its_secret(cluster):
    page(cluster)
    status, seen = cluster.call("GET", "/service/page/", **{"X-Proxy-Secret": "mine"})
    task = cluster.app("/page")["tasks"][0]
    saved = json.loads((cluster.home / "state.json").read_text())["tasks"]
    secret = next(each["secret"] for each in saved if each["id"] == task["id"])
    assert (status, seen["X-Proxy-Secret"], len(secret)) == (200, secret, 32)
    assert secret not in json.dumps([cluster.app("/page"), cluster.call("GET", "/mesos/state")[1]])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_the_proxy_sends_nothing_to_another_user(cluster):
    page(cluster, SEEN.replace("web.run_app", "os.setuid(65534)\nweb.run_app"))
    status, answer = cluster.call("GET", "/service/page/")
    assert (status, "another user listens" in answer["message"]) == (502, True)


LISTENS = """
import os, socket, sys, time
server = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
server.bind((sys.argv[1], 0)); server.listen()
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize(
    ("address", "gets"),
    [("127.0.0.1", True), ("0.0.0.0", True), ("::", True), ("127.0.0.2", False)],  # noqa: S104
)
def test_another_user_on_another_address_keeps_no_port_from_its_task(address, gets):
    if address == "::" and not socket.has_dualstack_ipv6():
        pytest.skip("needs IPv6")
    with subprocess.Popen(
        ["/usr/bin/env", "python3", "-c", LISTENS, address],
        user=65534,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
    ) as other:
        assert is_another_users(int(other.stdout.readline())) is gets
        other.stdin.close()


def test_malformed_headers_are_a_502_of_the_proxy(cluster):
    page(cluster)
    assert cluster.call("GET", "/service/page/", **{"X-Odd": "\xff"})[0] in (200, 502)


def test_tasks_get_proxies_without_their_login(tmp_path, monkeypatch):
    for name, value in {
        "HTTPS_PROXY": "http://me:secret@proxy:1",
        "http_proxy": "me:secret@proxy:1/",
        "no_proxy": "localhost,.example",
        "MAVEN_PASSWORD": "secret",
        "SSL_KEY_PASSWORD": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    task = Task(id="one", app_id="/one", version="v", config_version="v", ports=[], staged_at="")
    definition = {"env": {}, "cpus": 1, "mem": 1, "portDefinitions": [], "requirePorts": False}
    found = environment(Home(tmp_path), task, definition)
    assert (found["HTTPS_PROXY"], found["http_proxy"]) == ("http://proxy:1", "proxy:1/")
    assert found["no_proxy"] == "localhost,.example"
    assert "secret" not in " ".join(found.values()).replace(task.secret, "")


def test_impossible_names_of_logs_are_not_found(cluster):
    for name in ("%00", "a" * 300, "..%2F..%2Ftoken", "."):
        for task in ("x", name):
            assert cluster.call("GET", f"/system/v1/logs/v2/task/{task}/file/{name}")[0] in (404, 405)


def test_half_a_request_is_closed(cluster):
    host, port = cluster.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=server.IDLE_SECONDS + 10) as slow:
        slow.sendall(b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert slow.recv(1) == b""


def test_connections_above_the_limit_are_closed(own_cluster):
    host, port = own_cluster.url.removeprefix("http://").split(":")
    held = []
    try:
        for _ in range(server.MAX_CONNECTIONS + 20):
            held.append(socket.create_connection((host, int(port)), timeout=10))
        assert held[-1].recv(1) == b""
        held[0].sendall(b"GET /dcos-metadata/dcos-version.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert held[0].recv(12) == b"HTTP/1.1 200"
    finally:
        for each in held:
            each.close()

    def room():
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        try:
            connection.request("GET", "/dcos-metadata/dcos-version.json")
            return connection.getresponse().status == 200
        except NO_ANSWER:
            return False
        finally:
            connection.close()

    own_cluster.wait_for(room)
