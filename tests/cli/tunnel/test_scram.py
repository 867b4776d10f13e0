"""A login by user and password, at a broker of this test that checks it, or that lies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cli.errors import PipectlError
from cli.tunnel.scram import log_in
from kafka_topic.security import SASL_SSL, Security

SECONDS = 60
USER = Security(SASL_SSL, "a=b,c", password="secret#1")
SALT, ITERATIONS = bytes(range(64)), 4096


def digest(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha512")


class Broker:
    """Knows the password of USER. Its answers go through `change`, by their number from 0."""

    def __init__(self, change: Callable[[int, bytes], bytes]) -> None:
        self._change, self.asked = change, list[bytes]()

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as requests:
            for number in range(3):
                (size,) = struct.unpack(">i", requests.read(4))
                content = requests.read(size)
                api, _, correlation, _ = struct.unpack_from(">hhih", content)
                assert api == (17 if number == 0 else 36)
                self.asked.append(content[14:])
                answer = self._change(number, self._handshake() if number == 0 else self._scram(number))
                connection.sendall(struct.pack(">ii", len(answer) + 4, correlation) + answer)

    def _handshake(self) -> bytes:
        return struct.pack(">hih", 0, 1, 13) + b"SCRAM-SHA-512"

    def _scram(self, number: int) -> bytes:
        opening = self.asked[1].decode().removeprefix("n,,")
        nonce = opening.partition(",r=")[2] + "theirs"
        challenge = f"r={nonce},s={base64.b64encode(SALT).decode()},i={ITERATIONS}"
        if number == 1:
            assert opening.startswith("n=a=3Db=2Cc,")
            return authenticated(challenge)
        closing, _, proof = self.asked[2].decode().rpartition(",p=")
        assert closing == f"c=biws,r={nonce}"
        signed = f"{opening},{challenge},{closing}".encode()
        salted = hashlib.pbkdf2_hmac("sha512", USER.password.encode(), SALT, ITERATIONS)
        stored = hashlib.sha512(digest(salted, b"Client Key")).digest()
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), digest(stored, signed), strict=True))
        if hashlib.sha512(key).digest() != stored:
            return struct.pack(">hhi", 58, -1, 0)
        return authenticated("v=" + base64.b64encode(digest(digest(salted, b"Server Key"), signed)).decode())


def authenticated(text: str) -> bytes:
    return struct.pack(">hhi", 0, -1, len(text)) + text.encode()


def logged_in(
    security: Security = USER, change: Callable[[int, bytes], bytes] = lambda number, answer: answer
) -> None:
    here, there = socket.socketpair()
    with here, there, ThreadPoolExecutor() as pool:
        here.settimeout(SECONDS)
        served = pool.submit(Broker(change).serve, there)
        try:
            log_in(here, security, "a:1")
            served.result(SECONDS)
        finally:
            here.shutdown(socket.SHUT_RDWR)


def test_the_right_password_logs_in() -> None:
    logged_in()


def test_a_wrong_password_is_refused_without_being_shown() -> None:
    with pytest.raises(PipectlError, match="Kafka at a:1 refuses the login of the user a=b,c") as caught:
        logged_in(Security(SASL_SSL, USER.user, password="hush"))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("number", "old", "new"),
    [
        (1, b"r=", b"r=x"),
        (1, b"i=4096", b"i=4095"),
        (1, b",i=4096", b",j=4096"),
        (2, b"v=", b"v=AAAA"),
        (2, b"v=", b"e=none"),
    ],
)
def test_a_broker_must_know_the_password_too(number: int, old: bytes, new: bytes) -> None:
    def lie(asked: int, answer: bytes) -> bytes:
        if asked != number:
            return answer
        text = answer[8:].replace(old, new, 1)
        return struct.pack(">hhi", 0, -1, len(text)) + text

    with pytest.raises(PipectlError, match="does not prove that it knows"):
        logged_in(change=lie)


def test_a_broker_without_the_mechanism_is_named() -> None:
    with pytest.raises(PipectlError, match="takes no login by SCRAM-SHA-512"):
        logged_in(change=lambda number, answer: struct.pack(">hi", 33, 0) if number == 0 else answer)
