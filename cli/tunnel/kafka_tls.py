"""A Kafka with TLS only, through a tunnel: towards the brokers a client, towards clients here a server.

Answers that name brokers have to be rewritten, so the encryption of the brokers ends here. They must prove
their own names, by the authority in the settings, and the tunnel logs in. Clients on this machine meet a key
that is made for this tunnel and for its address, so they check a name as well, and need a key of it.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cli.errors import PipectlError
from cli.files import write_private
from cli.kafka_keys import Authority
from cli.tunnel.forwards import Forwards
from cli.tunnel.gateway import Target
from cli.tunnel.kafka_relay import KafkaRelay
from cli.tunnel.relay import HOST
from cli.tunnel.scram import log_in
from cli.tunnel.tls_stream import TlsStream
from kafka_topic.security import SASL_SSL, SSL, Security

# No tunnel is open for longer.
_LIFETIME = timedelta(days=365)
# Kafka's first question: which requests it knows. Nobody has logged in yet.
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class SecuredKafkaRelay(KafkaRelay):
    """The listeners for brokers that take TLS only. `login`: how a client logs in at these listeners."""

    def __init__(self, forwards: Forwards, say: Callable[[str], None], security: Security) -> None:
        from kafka_topic.diagnosis import load_key, tls_context

        super().__init__(forwards, say)
        self._security = security
        self._outside = tls_context(security)
        authority = Authority.create()
        self._inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_key(self._inside, authority.issue("tunnel", hosts=(HOST,), lifetime=_LIFETIME))
        self._inside.load_verify_locations(cadata=authority.certificate)
        self._inside.verify_mode = ssl.CERT_REQUIRED
        # Nobody else here has a key that this tunnel accepts. The cluster's key or password goes nowhere.
        key = authority.issue(security.user, lifetime=_LIFETIME)
        self.login = Security(SSL, security.user, key=key, ca=authority.certificate)

    def check(self, target: Target, seconds: float) -> None:
        """Ask a broker one question. Raises PipectlError if either side does not accept the other.

        seconds: how long the broker may take for each part of its answer.
        """
        with self._forwards.connect(target) as connection:
            connection.settimeout(seconds)
            try:
                broker = self._broker(connection, target)
                broker.sendall(_API_VERSIONS)
                if not broker.recv(1):
                    raise ConnectionError
            except OSError as error:
                raise self._refused(error, target) from None

    def serve(self, client: socket.socket, server: socket.socket, target: Target) -> None:
        """Carry what both sides encrypt, each with the key of its own side."""
        here = TlsStream(client, self._inside)  # a stranger gets no further
        try:
            broker = self._broker(server, target)
        except OSError as error:
            raise self._refused(error, target) from None
        self.carry(here, broker)

    def _broker(self, connection: socket.socket, target: Target) -> TlsStream:
        """A connection to a broker that has proved its name, and knows this client."""
        broker = TlsStream(connection, self._outside, host=target[0])
        if self._security.protocol == SASL_SSL:
            log_in(broker, self._security, _shown(target))
        return broker

    def _refused(self, error: OSError, target: Target) -> PipectlError:
        from kafka_topic.diagnosis import tls_refusal

        server = _shown(target)
        if isinstance(error, TimeoutError):
            return PipectlError(f"Kafka at {server} does not answer")
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return PipectlError(tls_refusal(error, server, self._security))
        return PipectlError(
            f"{server} ends the connection: Kafka does not run there, or it does not speak TLS",
            hint="`pipectl status` shows whether Kafka runs; check `kafka.security.protocol`",
        )


def kcat_file(folder: Path, login: Security) -> Path:
    """A configuration of kcat, which only the user can read. folder: for it and what it names."""
    # librdkafka checks names by itself only since 2.0.
    properties = login.librdkafka() | {"ssl.endpoint.identification.algorithm": "https"}
    for name in ("ca", "key", "certificate"):
        file = folder / f"kafka-{name}.pem"
        write_private(file, properties.pop(f"ssl.{name}.pem"))
        properties[f"ssl.{name}.location"] = str(file)
    file = folder / "kcat.conf"
    write_private(file, "".join(f"{name}={value}\n" for name, value in properties.items()))
    return file


def _shown(target: Target) -> str:
    return f"{target[0]}:{target[1]}"
