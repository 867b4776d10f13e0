"""The variables that a client logs in with, and what a broker's certificate is refused for."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from cli.kafka_keys import Authority
from kafka_topic.connection import open_admin, open_consumer, open_producer
from kafka_topic.diagnosis import refusal
from kafka_topic.errors import SecurityError
from kafka_topic.security import Security, use

AUTHORITY = Authority.create()
PAST = -timedelta(days=1)
KEY = AUTHORITY.issue("generator")
SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_USER": "generator", "KAFKA_PASSWORD": "s3cret"}
MUTUAL = {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_KEY": KEY, "KAFKA_CA": AUTHORITY.certificate}


def test_without_a_protocol_there_is_no_login() -> None:
    security = Security.from_environ({"KAFKA_PASSWORD": "unused"})
    assert (security, security.librdkafka(), security.java()) == (Security(), {}, {})


def test_a_secret_may_come_from_a_file_that_others_cannot_read(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    environ = {**SASL, "KAFKA_PASSWORD": "", "KAFKA_PASSWORD_FILE": str(file)}
    file.chmod(0o600)
    assert Security.from_environ(environ).password == "s3cret"
    for mode, who in ((0o644, "every user"), (0o640, "the group")):
        file.chmod(mode)
        with pytest.raises(SecurityError, match=f"{who} may read {file}.*chmod 600"):
            Security.from_environ(environ)
    file.unlink()
    with pytest.raises(SecurityError, match=f"{file}, which should hold the password.* cannot be read"):
        Security.from_environ(environ)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL=TLS: must be one of PLAINTEXT,"),
        ({"KAFKA_PASSWORD": ""}, "SASL_SSL needs KAFKA_PASSWORD or KAFKA_PASSWORD_FILE"),
        ({"KAFKA_PASSWORD": 'a"s3cret'}, "KAFKA_PASSWORD is not a password"),
        ({"KAFKA_USER": ""}, "KAFKA_USER is not the name of a user"),
        ({"KAFKA_CA": "s3cret"}, "KAFKA_CA holds no CERTIFICATE in PEM form"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL"}, "SSL needs KAFKA_KEY or KAFKA_KEY_FILE"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_KEY": AUTHORITY.certificate},
            "KAFKA_KEY holds no PRIVATE KEY in PEM form",
        ),
    ],
)  # fmt: skip
def test_an_error_about_a_login_does_not_contain_the_secret(changes: dict[str, str], words: str) -> None:
    with pytest.raises(SecurityError) as caught:
        Security.from_environ({**SASL, **changes})
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("environ", [SASL, MUTUAL])
def test_the_properties_of_java_hold_no_secret(environ: dict[str, str]) -> None:
    security = Security.from_environ(environ)
    properties = str(security.java("shaded.kafka"))
    assert "shaded.kafka.common.config.provider.EnvVarConfigProvider" in properties
    for name, secret in security.variables.items():
        assert secret not in properties
        assert f"${{env:{name}}}" in properties
    assert "s3cret" not in repr(security) and "PRIVATE" not in repr(security)


@pytest.mark.parametrize("open_client", [open_admin, open_consumer, open_producer])
def test_a_key_without_its_own_certificate_is_an_error_of_the_settings(
    open_client: Callable[[str], object],
) -> None:
    other = Security(key=AUTHORITY.issue("dashboard")).certificates
    mixed = KEY.partition("-----BEGIN CERTIFICATE-----")[0] + other
    use({**MUTUAL, "KAFKA_KEY": mixed})
    try:
        with pytest.raises(SecurityError, match="key values mismatch; check that KAFKA_KEY holds"):
            open_client("127.0.0.1:1")
    finally:
        use(None)


@pytest.fixture
def broker_with(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Starts a server with this key and certificate; returns its address. It speaks TLS, and no Kafka."""
    servers: list[socket.socket] = []

    def start(key: str) -> str:
        file = tmp_path / "key.pem"
        file.write_text(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection, suppress(ssl.SSLError):
                    context.wrap_socket(connection, server_side=True).close()

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (AUTHORITY.issue("broker", hosts=("127.0.0.1",), lifetime=PAST), "certificate has expired"),
        (AUTHORITY.issue("broker", hosts=("elsewhere.example",)), "IP address mismatch"),
        (Authority.create().issue("broker", hosts=("127.0.0.1",)), "certificate signature failure"),
    ],
)  # fmt: skip
def test_a_broker_certificate_is_refused_with_the_reason(
    broker_with: Callable[[str], str], key: str, words: str
) -> None:
    server = broker_with(key)
    said = refusal(server, Security.from_environ(MUTUAL))
    assert said is not None
    assert f"does not accept the certificate of the broker {server}" in said
    assert words in said
    assert "KAFKA_CA" in said


def test_a_broker_without_tls_and_an_absent_broker_have_different_errors() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                server.accept()[0].close()

        threading.Thread(target=serve, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        said = refusal(address, Security.from_environ(MUTUAL))
        assert said is not None and "does not speak TLS" in said
    assert refusal(address, Security.from_environ(MUTUAL)) is None
