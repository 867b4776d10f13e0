"""The client of the dashboard's API: credentials, TLS, error answers, broken streams."""

import json
import os
import ssl
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cli.dashboard_api import DashboardApi
from cli.engine.dcos.engine import DcosEngine
from cli.engine.dcos.runner import Dcos
from cli.engine.protocol import Credentials
from cli.errors import NoBackend, PipectlError, UsageProblem, WaitTimeout

COMMANDS = {"how_to_log_in": "cluster login", "how_to_show_ca": "cluster ca"}
ME = Credentials("token=secret", **COMMANDS)
SSE = {"Content-Type": "text/event-stream"}
CONFIG = """
import sys
values = {values!r}
name = sys.argv[-1]
if name not in values: print(f"Property {{name!r}} doesn't exist", file=sys.stderr); sys.exit(1)
print(values[name])
"""


@contextmanager
def serving(answer, *, certificate=None):
    """A server that answers every request with `answer(handler)`; yields its address and the requests."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers))
            answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    scheme = "http" if certificate is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}/service/page/", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(status, document, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(document if isinstance(document, bytes) else json.dumps(document).encode())

    return answer


def cluster_with(tmp_path, **values):
    file = tmp_path / "dcos.py"
    file.write_text(CONFIG.format(values={f"core.{name}": value for name, value in values.items()}))
    return DcosEngine(Dcos((sys.executable, str(file)), os.environ, pause=0.01))


@pytest.mark.parametrize(
    ("given", "verify", "ca"),
    [
        ({}, True, None),
        ({"ssl_verify": "True"}, True, None),
        ({"ssl_verify": "false"}, False, None),
        ({"ssl_verify": "/etc/ca.pem"}, True, "/etc/ca.pem"),
    ],
)
def test_token_and_trust_are_those_of_dcos(tmp_path, given, verify, ca):
    found = cluster_with(tmp_path, dcos_acs_token="secret", **given).credentials()
    assert found == Credentials(
        "token=secret",
        verify,
        ca,
        how_to_log_in="dcos auth login",
        how_to_show_ca="dcos config show core.ssl_verify",
    )
    assert "secret" not in repr(DashboardApi("https://x/", found))


def test_the_token_is_sent_in_a_header_and_follows_no_redirect():
    with (
        serving(says(200, {})) as (other, asked_elsewhere),
        serving(says(302, {}, Location=other)) as (
            address,
            asked,
        ),
        pytest.raises(NoBackend, match="answered 302"),
    ):
        DashboardApi(address, ME).get("status", [("a", "b c")])
    ((path, headers),) = asked
    assert path == "/service/page/api/status?a=b+c"
    assert headers["Authorization"] == "token=secret"
    assert asked_elsewhere == []


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (400, UsageProblem, "buy=5 must be below sell"),
        (401, PipectlError, "not logged in"),
        (403, PipectlError, "not allowed"),
        (404, NoBackend, "answered 404"),
        (503, NoBackend, "answered 503: buy=5"),
    ],
)
def test_a_refusal_is_explained_by_its_meaning(status, kind, words):
    refusal = {"message": "buy=5 must be below sell, 4"}
    with serving(says(status, refusal)) as (address, _), pytest.raises(kind, match=words) as raised:
        DashboardApi(address, ME).get("limits")
    assert "secret" not in raised.value.message
    assert ("`cluster login`" in (raised.value.hint or "")) is (status in (401, 403))


def test_an_answer_of_another_server_is_not_taken_for_the_page():
    with (
        serving(says(200, b"<html>log in</html>")) as (address, _),
        pytest.raises(NoBackend, match="not the dashboard"),
    ):
        DashboardApi(address, ME).get("status")
    with pytest.raises(NoBackend, match="does not answer"):
        DashboardApi("http://127.0.0.1:1/", ME).get("status")


def test_an_answer_without_events_is_not_taken_for_a_stream():
    with serving(says(200, b"<html>log in</html>")) as (address, _):
        events = DashboardApi(address, ME).events([], 5)
        with pytest.raises(NoBackend, match="not the dashboard"):
            next(events)


def test_tls_is_checked_as_it_is_configured(tmp_path):
    certificate = self_signed(tmp_path)
    with serving(says(200, {"ok": 1}), certificate=certificate) as (address, _):
        with pytest.raises(NoBackend, match="CERTIFICATE_VERIFY_FAILED"):
            DashboardApi(address, ME).get("status")
        for trusting in (replace(ME, ca=str(certificate)), replace(ME, verify=False)):
            assert DashboardApi(address, trusting).get("status") == {"ok": 1}
    lost = DashboardApi("https://127.0.0.1:1/", replace(ME, ca=str(tmp_path / "nowhere.pem")))
    with pytest.raises(PipectlError, match=r"nowhere\.pem") as error:
        lost.get("status")
    assert "`cluster ca`" in (error.value.hint or "")


def self_signed(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_a_stream_is_picked_up_where_it_broke_off(monkeypatch):
    monkeypatch.setattr("cli.event_stream.PAUSE_SECONDS", 0.01)
    parts = iter([b"retry: 1\n\nevent: signals\ndata: one\nid: a-1\n\n", b":\n\ndata: two\nid: a-2\n\n"])

    def answer(handler):
        says(200, next(parts, b""), **SSE)(handler)

    with serving(answer) as (address, asked):
        events = DashboardApi(address, ME).events([("topic", "signals")], 5)
        assert [next(events), next(events)] == [b"one", b"two"]
        events.close()
    assert [headers.get("Last-Event-ID") for _, headers in asked[:2]] == [None, "a-1"]


def test_a_stream_without_records_ends_in_time():
    with serving(says(200, b":\n\n", **SSE)) as (address, _):
        events = DashboardApi(address, ME).events([], 0.3)
        with pytest.raises(WaitTimeout, match=r"for 0\.3 s"):
            next(events)


def test_a_stream_whose_page_stays_away_is_reported(monkeypatch):
    monkeypatch.setattr("cli.event_stream.PAUSE_SECONDS", 0.01)
    with serving(says(200, b"data: one\n\n", **SSE)) as (address, _):
        events = DashboardApi(address, ME).events([], 20)
        assert next(events) == b"one"
    with pytest.raises(NoBackend, match="does not answer"):
        for record in events:
            assert record == b"one"


def test_whatever_ends_a_stream_is_reported(monkeypatch):
    """Nobody sees an error of the thread that reads; without a timeout, the next record would never come."""
    monkeypatch.setattr("cli.event_stream.PAUSE_SECONDS", 0.01)
    garbled = says(200, b"not gzip", **SSE, **{"Content-Encoding": "gzip"})
    with serving(garbled) as (address, _):
        events = DashboardApi(address, ME).events([], 20)
        with pytest.raises(PipectlError, match=r"cannot read the records of .*Error"):
            next(events)
