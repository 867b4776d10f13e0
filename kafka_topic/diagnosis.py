"""Says why Kafka does not let a client in, and what to do about it.

librdkafka reports most such causes as a broker that does not answer. So after a failure, this module connects
to the brokers itself and reads what they say.
"""

from __future__ import annotations

import socket
import ssl
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException

from kafka_topic.connection import open_producer
from kafka_topic.errors import AccessDeniedError, BrokerUnreachableError, KafkaTopicError
from kafka_topic.reachable import unknown_names
from kafka_topic.security import SASL_SSL, SSL, Security, current

_NO_ANSWER = {
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._RESOLVE,
    KafkaError._SSL,
}
_LOGIN = {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}
_DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
}
_KNOCK_SECONDS = 1.0
_LOGIN_SECONDS = 3.0
_PROTOCOL = "`kafka.security.protocol` (KAFKA_SECURITY_PROTOCOL)"


def explained(
    exception: KafkaException, servers: str, timeout: float, *, first: bool = True
) -> KafkaTopicError:
    """The error of this package for one of librdkafka's. timeout: how long the client waited.

    first: whether the client has had no answer before. Only then may the brokers refuse it as a whole.
    """
    error = exception.args[0]
    security = current()
    if error.code() in _LOGIN:
        return login_refused(servers, security)
    if error.code() in _DENIED:
        return AccessDeniedError(
            f"Kafka at {servers} does not allow this{_by(security)}: {error.str()}; `pipectl deploy` gives "
            "the bundle's users their rights"
        )
    if error.code() in _NO_ANSWER:
        if first and (reason := refusal(servers, security)):
            return AccessDeniedError(reason)
        if first and security.protocol == SASL_SSL and _refuses_login(servers):
            return login_refused(servers, security)
        return BrokerUnreachableError(
            f"no Kafka broker answered at {servers} within {timeout:g} s{unknown_names(servers)}; check the "
            "address, and that Kafka runs there"
        )
    if error.code() == KafkaError._NOENT:
        return KafkaTopicError(
            f"Kafka at {servers} named no leader of the partitions within {timeout:g} s: its brokers are "
            "starting, down or overloaded; check them, and try again"
        )
    return KafkaTopicError(f"Kafka at {servers} refused: {error.str()}")


def login_refused(servers: str, security: Security) -> AccessDeniedError:
    """The error for a user whom the brokers do not know, or whose password is wrong."""
    return AccessDeniedError(
        f"Kafka at {servers} refuses the login of the user {security.user}: the password is wrong, or the "
        "brokers do not know the user; set the same password in the secret and on the brokers"
    )


def refused(error: KafkaError, servers: str) -> str | None:
    """What an error says about the client's login or rights; None if it is about something else."""
    if error.code() in _LOGIN | _DENIED:
        return str(explained(KafkaException(error), servers, 0))
    return None


def _refuses_login(servers: str) -> bool:
    """Whether a login fails. Only a client with its own queue learns of it."""
    errors: list[KafkaError] = []
    producer = open_producer(servers, on_error=errors.append)
    deadline = time.monotonic() + _LOGIN_SECONDS
    while time.monotonic() < deadline:
        producer.poll(0.1)
        if any(error.code() in _LOGIN for error in errors):
            return True
    return False


def refusal(servers: str, security: Security) -> str | None:
    """Why the first broker that can be reached would not let this client in; None if that is unknown."""
    for server in servers.split(","):
        host, _, port = server.rpartition(":")
        with (
            suppress(OSError, ValueError),
            socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS) as connection,
        ):
            connection.settimeout(_KNOCK_SECONDS)
            return _asked(connection, server, host.strip("[]"), security)
    return None


def _asked(connection: socket.socket, server: str, host: str, security: Security) -> str | None:
    if not security.encrypted:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with context.wrap_socket(connection, server_hostname=host):
                return f"Kafka at {server} takes TLS only, and this client speaks plaintext: set {_PROTOCOL}"
        except (ssl.SSLError, OSError):
            return None
    try:
        with tls_context(security).wrap_socket(connection, server_hostname=host) as secured:
            if security.protocol == SASL_SSL:
                return None
            # With TLS 1.3, the broker's judgement of the client's certificate comes after the handshake.
            secured.recv(1)
    except TimeoutError:
        return None
    except (ssl.SSLError, ConnectionError) as error:
        return tls_refusal(error, server, security)
    return None


def tls_refusal(error: ssl.SSLError | ConnectionError, server: str, security: Security) -> str:
    """Why TLS with a broker failed, and what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"this client does not accept the certificate of the broker {server}: {error.verify_message}; "
            "renew the certificate, or correct `ca` (KAFKA_CA)"
        )
    if isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""):
        alert = (error.reason or "").rpartition("ALERT_")[2].lower().replace("_", " ")
        return (
            f"the broker {server} does not accept this client's certificate ({alert}): make a new key "
            "and certificate, signed by the authority of the brokers (KAFKA_KEY)"
        )
    return (
        f"Kafka at {server} does not speak TLS, and this client speaks nothing else ({security.protocol}): "
        f"set {_PROTOCOL} to what the brokers were installed with"
    )


def tls_context(security: Security) -> ssl.SSLContext:
    """How this client recognizes brokers, by their authority and their names, and proves who it is."""
    context = ssl.create_default_context(cadata=security.ca or None)
    if security.protocol == SSL:
        load_key(context, security.key)
    return context


def load_key(context: ssl.SSLContext, key: str) -> None:
    """Let it prove itself by this key with its certificates, as PEM. Python reads them from files only."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "key"
        file.touch(mode=0o600)
        file.write_text(key)
        context.load_cert_chain(file)


def _by(security: Security) -> str:
    return f" to {security.user}" if security.user else ""
