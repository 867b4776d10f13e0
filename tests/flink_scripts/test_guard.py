"""Flink's REST API, served by a real JobManager, refuses whoever does not know its token."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flink_scripts.errors import RestError
from flink_scripts.rest import Rest
from flink_scripts.tls import rest_context
from tests.gatherer.flink import Flink, wait_until

pytestmark = pytest.mark.slow

PROXY_SECRET = "of-this-task"
FOREIGN = "http://pages.example"
FORM = {"Accept": "text/html,*/*"}


def started(folder: Path, host: str) -> Flink:
    """A JobManager alone, once it answers."""
    flink = Flink(folder)
    flink.environ["HOST"] = host
    flink.start("jobmanager", PROXY_SECRET=PROXY_SECRET)
    wait_until(lambda: flink.rest("/jobs/overview"), lambda: f"an answer; {flink.log('jobmanager')}")
    return flink


@pytest.fixture(scope="module")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    flink = started(tmp_path_factory.mktemp("flink"), "127.0.0.1")
    yield flink
    flink.stop()


@pytest.fixture(scope="module")
def open_flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    """As on a cluster, where it listens on every interface."""
    flink = started(tmp_path_factory.mktemp("flink"), "127.0.0.2")
    yield flink
    flink.stop()


def address(flink: Flink) -> str:
    return flink.environ["FLINK_JOBMANAGER_REST"]


def asked(flink: Flink, method: str, path: str, **more: Any) -> httpx.Response:
    url = f"https://{address(flink)}{path}"
    return httpx.request(method, url, timeout=10, verify=rest_context(flink.token), **more)


def connected(flink: Flink) -> http.client.HTTPConnection:
    return http.client.HTTPSConnection(address(flink), timeout=10, context=rest_context(flink.token))


def ask(flink: Flink, method: str = "GET", path: str = "/jobs/overview", **given: str) -> httpx.Response:
    """given: headers, with `_` for `-`."""
    headers = {name.replace("_", "-"): value for name, value in given.items()}
    return asked(flink, method, path, headers=headers)


def bearer(flink: Flink) -> str:
    return f"Bearer {flink.token}"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {'0' * 64}"},
        {"Authorization": "{token}"},
        {"Authorization": "Basic {token}"},
        {"Authorization": "Bearer {token}0"},
        {"Cookie": "flink-login={token}"},
        {"X-Proxy-Secret": ""},
        {"X-Proxy-Secret": "{token}"},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/jobs/overview"), ("GET", "/"), ("POST", "/jobs")])
def test_without_the_token_nothing_is_answered(
    flink: Flink, method: str, path: str, given: dict[str, str]
) -> None:
    answer = ask(
        flink, method, path, **{name: value.format(token=flink.token) for name, value in given.items()}
    )
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json() == {"errors": ["the header Authorization must be: Bearer <token of this Flink>"]}


def test_the_token_opens_it(flink: Flink) -> None:
    assert ask(flink, Authorization=bearer(flink)).json() == {"jobs": []}
    assert "<title>" in ask(flink, path="/", Authorization=bearer(flink)).text


def test_the_front_door_needs_no_token(flink: Flink) -> None:
    assert ask(flink, X_Proxy_Secret=PROXY_SECRET).json() == {"jobs": []}


@pytest.mark.parametrize(
    "foreign",
    [
        {"Host": "pages.example"},
        {"Host": "127.0.0.1.pages.example:8081"},
        {"Host": ""},
        {"Origin": FOREIGN},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
    ],
)
@pytest.mark.parametrize("path", ["/jobs/overview", "/overview"])
def test_a_page_of_another_site_is_refused_whatever_it_sends(
    flink: Flink, path: str, foreign: dict[str, str]
) -> None:
    answer = ask(flink, path=path, Authorization=bearer(flink), **foreign)
    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_its_own_page_may_ask(flink: Flink) -> None:
    own = ask(flink, Authorization=bearer(flink), Origin=f"https://{address(flink)}")
    assert own.status_code == 200
    assert "Access-Control-Allow-Origin" not in own.headers


def test_a_preflight_is_refused(flink: Flink) -> None:
    answer = ask(
        flink,
        "OPTIONS",
        "/jobs",
        Origin=FOREIGN,
        Access_Control_Request_Method="POST",
        Authorization=bearer(flink),
    )
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_an_upload_is_refused_before_it_is_read(flink: Flink) -> None:
    """A page can send one without asking first; Flink would write it to disk."""
    connection = connected(flink)
    connection.putrequest("POST", "/jobs")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", "1000000")
    connection.endheaders(b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.jar"\r\n\r\nPK')
    assert connection.getresponse().status == 401
    connection.close()
    assert not list((flink.folder / "jobmanager").rglob("f.jar"))


def test_a_request_with_two_hosts_is_refused(flink: Flink) -> None:
    connection = connected(flink)
    connection.putrequest("GET", "/overview")
    connection.putheader("Host", "pages.example")
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_each_request_of_a_connection_needs_the_token(flink: Flink) -> None:
    connection = connected(flink)
    connection.request("GET", "/jobs/overview", headers={"Authorization": bearer(flink)})
    assert connection.getresponse().read() == b'{"jobs":[]}'
    connection.request("GET", "/jobs/overview")
    assert connection.getresponse().status == 401
    connection.close()


def test_a_health_check_needs_no_token(flink: Flink) -> None:
    assert ask(flink, path="/overview").json()["taskmanagers"] == 0
    assert ask(flink, path="/overview?all").status_code == 401
    assert ask(flink, "POST", "/overview").status_code == 401
    for body in (b"x", iter([b"x"])):  # with a length, and in chunks
        answer = asked(flink, "GET", "/overview", content=body)
        assert answer.status_code == 401


def test_a_browser_signs_in_where_no_front_door_does_it(open_flink: Flink) -> None:
    assert ask(open_flink, path="/", Host="flink.example").status_code == 401
    page = ask(open_flink, path="/", Host="flink.example", **FORM)
    assert (page.status_code, 'action="login"' in page.text) == (401, True)

    def login(token: str, **headers: str) -> httpx.Response:
        named = {"Host": "flink.example", **headers}
        return asked(open_flink, "POST", "/login", data={"token": token}, headers=named)

    wrong = login("0" * 64)
    assert (wrong.status_code, "Set-Cookie" in wrong.headers) == (401, False)
    assert login("0" * 3000).status_code == 400
    assert login(open_flink.token, Origin=FOREIGN).status_code == 403
    right = login(open_flink.token, Origin="https://flink.example")
    assert (right.status_code, right.headers["Location"]) == (303, "./")
    cookie, *attributes = right.headers["Set-Cookie"].split("; ")
    assert {"HTTPOnly", "SameSite=Strict"} == set(attributes)
    assert open_flink.token not in cookie
    assert ask(open_flink, Cookie=f"other=1; {cookie}").json() == {"jobs": []}
    assert ask(open_flink, Cookie=cookie, Origin=FOREIGN).status_code == 403


def test_a_cookie_that_other_ports_would_get_is_never_set(flink: Flink) -> None:
    assert ask(flink, path="/", **FORM).headers["Content-Type"] == "application/json"
    answer = asked(flink, "POST", "/login", data={"token": flink.token})
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (401, False)


def test_the_token_is_in_no_log_and_on_no_command_line(flink: Flink) -> None:
    assert flink.token not in flink.log("jobmanager")
    for file in (flink.folder / "jobmanager").rglob("*"):
        assert not file.is_file() or flink.token.encode() not in file.read_bytes(), file
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert flink.token.encode() not in line.read_bytes()
        except OSError:
            continue  # it has just ended


def test_an_idle_connection_is_closed(flink: Flink) -> None:
    """A request that never ends would hold it for ever, and so would one that never begins."""
    host, port = address(flink).split(":")
    begun = f"GET /jobs/overview HTTP/1.1\r\nHost: {host}:{port}\r\n".encode()
    upload = begun + f"Authorization: {bearer(flink)}\r\nContent-Length: 9\r\n\r\n".encode()
    with contextlib.ExitStack() as open_ones:
        connections = [
            open_ones.enter_context(socket.create_connection((host, int(port)), timeout=60)) for _ in range(4)
        ]
        tls = rest_context(flink.token)
        silent, *others = connections
        connections = [silent, *(open_ones.enter_context(tls.wrap_socket(each)) for each in others)]
        for connection, sent in zip(connections, (b"", b"", begun, upload), strict=True):
            connection.sendall(sent)
        assert [connection.recv(1) for connection in connections] == [b"", b"", b"", b""]


def test_nothing_is_said_without_tls(flink: Flink) -> None:
    host, port = address(flink).split(":")
    for path in ("/overview", "/jobs/overview"):
        with socket.create_connection((host, int(port)), timeout=20) as plain:
            plain.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            assert plain.recv(1) == b""


def test_a_client_with_another_token_does_not_send_it(flink: Flink) -> None:
    with (
        contextlib.closing(Rest(address(flink), "0" * 64)) as wrong,
        pytest.raises(RestError, match="what answers there has another token"),
    ):
        wrong.jobs()
    with contextlib.closing(Rest(address(flink), flink.token)) as rest:
        assert rest.jobs() == []
