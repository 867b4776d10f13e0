"""JobManager and TaskManagers know each other by the token: nobody else gets to their ports."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from flink_scripts.tls import AUTHORITY, INTERNAL, REST, internal_tls_options, key_store
from tests.gatherer.flink import Flink, wait_until

OURS, OTHER = "a" * 64, "b" * 64


def public_numbers(token: str, purpose: bytes = INTERNAL) -> tuple[int, int]:
    key, certificate, _ = pkcs12.load_key_and_certificates(key_store(token, purpose, AUTHORITY, "x"), b"x")
    assert isinstance(key, EllipticCurvePrivateKey) and certificate is not None
    assert certificate.public_key() == key.public_key()
    numbers = key.public_key().public_numbers()
    return numbers.x, numbers.y


def test_the_two_keys_of_a_token_differ() -> None:
    assert public_numbers(OURS) != public_numbers(OURS, REST)


def test_one_token_is_one_key() -> None:
    assert public_numbers(OURS) == public_numbers(OURS) != public_numbers(OTHER)


def test_only_the_owner_reads_the_key_store(tmp_path: Path) -> None:
    first = internal_tls_options(OURS, tmp_path)["security.ssl.internal.keystore-password"]
    options = internal_tls_options(OURS, tmp_path)
    store = Path(options["security.ssl.internal.keystore"])
    assert store.stat().st_mode & 0o777 == 0o600
    assert options["security.ssl.internal.keystore-password"] != first
    assert OURS not in str(options)


@pytest.fixture(scope="module")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    flink = Flink(tmp_path_factory.mktemp("flink"))
    for role in ("jobmanager", "taskmanager"):
        flink.start(role)
    wait_until(lambda: (flink.rest("/overview") or {"slots-total": 0})["slots-total"], "slots")
    yield flink
    flink.stop()


def context(token: str | None, folder: Path) -> ssl.SSLContext:
    """A client that trusts everybody, and has the key of a token if there is one."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    if token is not None:
        key, certificate, _ = pkcs12.load_key_and_certificates(
            key_store(token, INTERNAL, AUTHORITY, "x"), b"x"
        )
        assert isinstance(key, EllipticCurvePrivateKey) and certificate is not None
        file = folder / "client.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        client.load_cert_chain(file)
    return client


def lets_in(port: int, client: ssl.SSLContext) -> bool:
    """Whether a server goes on after the handshake: it waits for us to say something."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
            client.wrap_socket(plain) as secure,
        ):
            secure.settimeout(2)
            return secure.recv(1) != b""
    except TimeoutError:
        return True
    except (ssl.SSLError, ConnectionError):
        return False


@pytest.mark.slow
def test_a_port_lets_in_who_knows_the_token(flink: Flink, tmp_path: Path) -> None:
    rest = int(flink.environ["FLINK_JOBMANAGER_REST"].partition(":")[2])
    sockets = [
        each.laddr
        for role in ("jobmanager", "taskmanager")
        for each in psutil.Process(flink.pid(role)).net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    ]
    assert {address.ip.removeprefix("::ffff:") for address in sockets} == {"127.0.0.1"}
    internal = sorted({address.port for address in sockets} - {rest})
    assert len(internal) >= 4  # RPC and files of the one, RPC and data of the other
    for port in internal:
        assert not lets_in(port, context(None, tmp_path)), port
        assert not lets_in(port, context(OTHER, tmp_path)), port
        assert lets_in(port, context(flink.token, tmp_path)), port


@pytest.mark.slow
def test_a_taskmanager_with_another_token_gets_no_job(flink: Flink) -> None:
    flink.start("taskmanager", "stranger", FLINK_TOKEN=OTHER)
    wait_until(lambda: "Could not resolve ResourceManager" in flink.log("stranger"), "a refusal")
    assert flink.rest("/overview")["taskmanagers"] == 1


@pytest.mark.slow
def test_the_processes_of_jobs_are_not_told_the_token(flink: Flink) -> None:
    assert flink.token not in psutil.Process(flink.pid("taskmanager")).environ().values()
