"""A login at a broker by user and password: SCRAM-SHA-512 (RFC 5802) in Kafka's requests (KIP-84, KIP-152).

The tunnel logs in itself. Many kcat could not: librdkafka before 2.6.1 sends a part of the nonce twice, which
brokers since Kafka 3.9 refuse.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from base64 import b64decode, b64encode
from hashlib import pbkdf2_hmac, sha512
from typing import TYPE_CHECKING

from cli.errors import PipectlError
from cli.tunnel.kafka_relay import read, whole
from kafka_topic.security import MECHANISM

if TYPE_CHECKING:
    from cli.tunnel.relay import Stream
    from kafka_topic.security import Security

# Requests, and the version of each, which all brokers since Kafka 1.0 know.
_HANDSHAKE, _AUTHENTICATE = (17, 1), (36, 0)
_NAME = MECHANISM.encode()
_MOST_BYTES = 1 << 16
_ITERATIONS = range(4096, 1 << 24)


def log_in(broker: Stream, security: Security, server: str) -> None:
    """Log in on a connection on which nothing was said yet. server: the broker, for errors.

    Raises PipectlError if the broker refuses the login, or does not prove that it knows the password too, and
    OSError if it ends the connection.
    """
    from kafka_topic.diagnosis import login_refused

    def say(message: str) -> str:
        error, answer = _authenticate(broker, message.encode())
        if error:
            raise PipectlError(str(login_refused(server, security)))
        return answer.decode()

    try:
        if struct.unpack_from(">h", _ask(broker, *_HANDSHAKE, struct.pack(">h", len(_NAME)) + _NAME))[0]:
            raise PipectlError(f"Kafka at {server} takes no login by {MECHANISM}")
        nonce = secrets.token_urlsafe(32)
        name = security.user.replace("=", "=3D").replace(",", "=2C")
        opening = f"n={name},r={nonce}"
        challenge = say(f"n,,{opening}")
        fields = dict(item.split("=", 1) for item in challenge.split(","))
        iterations = int(fields["i"])
        if not fields["r"].startswith(nonce) or iterations not in _ITERATIONS:
            raise ValueError(challenge)
        closing = f"c=biws,r={fields['r']}"
        signed = f"{opening},{challenge},{closing}".encode()
        salted = pbkdf2_hmac("sha512", security.password.encode(), b64decode(fields["s"]), iterations)
        key = _hmac(salted, b"Client Key")
        proof = bytes(a ^ b for a, b in zip(key, _hmac(sha512(key).digest(), signed), strict=True))
        proved = say(f"{closing},p={b64encode(proof).decode()}")
        expected = b64encode(_hmac(_hmac(salted, b"Server Key"), signed)).decode()
        if not hmac.compare_digest(proved, f"v={expected}"):
            raise ValueError(proved)
    except (ValueError, KeyError, struct.error):
        raise PipectlError(f"Kafka at {server} does not prove that it knows {security.user}") from None


def _authenticate(broker: Stream, message: bytes) -> tuple[int, bytes]:
    """The error and the bytes that a broker answers."""
    answer = _ask(broker, *_AUTHENTICATE, struct.pack(">i", len(message)) + message)
    error, length = struct.unpack_from(">hh", answer)
    begin = 4 + max(length, 0)
    (size,) = struct.unpack_from(">i", answer, begin)
    return error, answer[begin + 4 : begin + 4 + size]


def _ask(broker: Stream, api: int, version: int, body: bytes) -> bytes:
    """The answer to one request, without its header."""
    broker.sendall(struct.pack(">ihhih", 10 + len(body), api, version, 0, -1) + body)
    head = read(broker, 8)
    if not head:
        raise ConnectionResetError("the broker has ended the connection")
    size: int = struct.unpack_from(">i", head)[0] - 4
    if size > _MOST_BYTES:
        raise ValueError(size)
    return whole(broker, size)


def _hmac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha512")
