"""A tunnel to a MySQL that must prove who it is lets no client talk to it without TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from cli.errors import PipectlError, UsageProblem
from cli.session import Session
from cli.store_logins import Login, login_of, mysql_file
from cli.tunnel.mysql_relay import MySqlTlsRelay
from cli.tunnel.opening import _relay_of
from cli.tunnel.relay import Relay
from cli.tunnel.services import client_of
from tests.cli.tunnel.conftest import Opening
from tests.mysql_server import MySqlServer
from tests.ports import free_ports

SECONDS = 60
# Of a MariaDB 10.11, up to its capabilities.
VERSION = b"\x0a5.5.5-10.11.8-MariaDB\0"
THREAD, CHALLENGE = b"\x05\0\0\0", b"abcdefgh\0"
WITHOUT, WITH = b"\xfe\xf7", b"\xfe\xff"
REST = b"\x2d\x02\x00\xff\x81\x15"


def packet(content: bytes) -> bytes:
    return len(content).to_bytes(3, "little") + b"\0" + content


def carried(sent: bytes) -> tuple[bytes, str | None]:
    """What a client gets of a server that sends this and ends, and the error."""
    here, client = socket.socketpair()
    server, there = socket.socketpair()
    said: list[str] = []

    def carry() -> None:
        with here, server:
            try:
                MySqlTlsRelay(None, said.append).carry(here, server)  # type: ignore[arg-type]
            except PipectlError as error:
                said.append(error.message)

    thread = threading.Thread(target=carry)
    thread.start()
    with client, there:
        client.settimeout(SECONDS)
        there.sendall(sent)
        there.shutdown(socket.SHUT_WR)
        client.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := client.recv(100):
            got += chunk
    thread.join(SECONDS)
    return got, next(iter(said), None)


@pytest.mark.parametrize(
    "sent",
    [
        packet(VERSION + THREAD + CHALLENGE + WITH + REST) + b"and more",
        # It takes no more connections, and says so instead of greeting.
        packet(b"\xff\x10\x04Too many connections"),
    ],
)
def test_a_server_with_tls_reaches_its_client(sent: bytes) -> None:
    assert carried(sent) == (sent, None)


@pytest.mark.parametrize(
    "greeting",
    [VERSION + THREAD + CHALLENGE + WITHOUT + REST, VERSION + THREAD, b"\x09" + VERSION[1:], b""],
)
def test_a_server_without_tls_is_refused_in_the_words_of_the_protocol(greeting: bytes) -> None:
    got, error = carried(packet(greeting) + b"and more")
    assert error == "the server of mysql offers no TLS, but `mysql.ca` asks for it"
    assert got == packet(b"\xff\x57\x0c" + error.encode())


@pytest.mark.slow
@pytest.mark.parametrize("small_client", [True], indirect=True)
def test_a_real_client_meets_a_real_server_with_tls_only(
    forwarding: Opening, tmp_path: Path, small_client: bool
) -> None:
    program = shutil.which("mysql") or shutil.which("mariadb")
    if program is None:
        pytest.skip("needs the client mysql")
    codes, said = [], []
    for tls in (True, False):
        folder, keys = tmp_path / f"server-{tls}", tmp_path / f"keys-{tls}"
        folder.mkdir()
        keys.mkdir()
        with MySqlServer(folder, *free_ports(2), tls=tls) as server:
            if tls:
                ca = server.ca
            with (
                forwarding(keys, [("127.0.0.1", server.port)]) as (_, forwards),
                closing(MySqlTlsRelay(forwards, said.append)) as relay,
            ):
                port = relay.port_for(("127.0.0.1", server.port))
                file = mysql_file(keys, Login("pipectl", server.password, ca), named=False)
                asked = ("-N", "-e", "SHOW STATUS LIKE 'Ssl_version'")
                done = subprocess.run(
                    [program, f"--defaults-file={file}", "--protocol=TCP", f"--port={port}", *asked],
                    capture_output=True,
                    text=True,
                    timeout=SECONDS,
                )
        codes.append(done.returncode)
        said.append(done.stdout + done.stderr)
    assert codes == [0, 1], said
    encrypted, warned, refused = said
    assert "TLSv1" in encrypted and "offers no TLS" in warned and warned in refused


def prod(*settings: str) -> Session:
    return Session("prod", (), settings, False)


MYSQL = ("mysql.host=db.example", "mysql.password=a/password", "mysql.ca=a/ca")
CASSANDRA = ("cassandra.password=b/password", "cassandra.ca=b/ca")


def test_certificates_are_demanded_without_a_password_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MYSQL_PASSWORD", "MYSQL_CA", "CASSANDRA_PASSWORD", "CASSANDRA_CA"):
        monkeypatch.delenv(name, raising=False)
    run = prod("parts=[mysql, cassandra]", *MYSQL, *CASSANDRA)
    with pytest.raises(UsageProblem, match="mysql must prove who it is") as refused:
        login_of(run, "mysql")
    assert "MYSQL_CA" in str(refused.value.hint)
    for name in ("MYSQL_CA", "CASSANDRA_CA"):
        monkeypatch.setenv(name, "certificates")
    login = login_of(run, "mysql")
    assert _relay_of(run, "mysql", login) is MySqlTlsRelay and _relay_of(run, "mysql", None) is Relay
    assert _relay_of(Session("local", (), (), False), "mysql", login) is Relay
    command = client_of(run, "mysql", 1, login, tmp_path).arguments
    assert "-p" in command and command[0] == f"--defaults-file={tmp_path / 'mysql.cnf'}"
    assert (tmp_path / "mysql.cnf").read_text() == f"[client]\nuser=pipectl\nssl-ca={tmp_path}/mysql-ca.pem\n"
    command = client_of(run, "cassandra", 1, login_of(run, "cassandra"), tmp_path).arguments
    assert command[:4] == (f"--cqlshrc={tmp_path / 'cqlshrc'}", "--ssl", "-u", "cassandra")
    assert "certfile" in (tmp_path / "cqlshrc").read_text()
    assert not (tmp_path / "cqlsh-credentials").exists()
