"""TLS over a pair of sockets, with a reader and a writer on each side."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from cli.kafka_keys import Authority
from cli.tunnel.tls_stream import TlsStream
from kafka_topic.diagnosis import load_key

SECONDS = 60
AUTHORITY = Authority.create()
# Much more than what sockets buffer.
CONTENT = bytes(range(256)) * (1 << 15)


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_key(context, AUTHORITY.issue("tunnel", hosts=("127.0.0.1",)))
    return context


def client_context() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=AUTHORITY.certificate)


Sides = tuple[TlsStream, TlsStream]


@pytest.fixture
def sides() -> Iterator[Sides]:
    """A client and a server that have shaken hands."""
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        here, there = (stack.enter_context(each) for each in socket.socketpair())
        for each in (here, there):
            each.settimeout(SECONDS)
        server = pool.submit(TlsStream, there, server_context())
        client = TlsStream(here, client_context(), host="127.0.0.1")
        yield client, server.result(SECONDS)


def everything(stream: TlsStream) -> bytes:
    content = bytearray()
    while chunk := stream.recv(1 << 16):
        content += chunk
    return bytes(content)


def send(stream: TlsStream) -> None:
    for start in range(0, len(CONTENT), 100_000):
        stream.sendall(CONTENT[start : start + 100_000])
    stream.shutdown(socket.SHUT_WR)


def test_both_directions_flow_at_once_to_their_ends(sides: Sides) -> None:
    client, server = sides
    with ThreadPoolExecutor() as pool:
        sent = [pool.submit(send, each) for each in (client, server)]
        read = [pool.submit(everything, each) for each in (client, server)]
        for each in sent:
            each.result(SECONDS)
        assert [each.result(SECONDS) == CONTENT for each in read] == [True, True]


def test_a_side_that_has_ended_still_gets_all(sides: Sides) -> None:
    client, server = sides
    client.sendall(b"last")
    client.shutdown(socket.SHUT_WR)
    assert everything(server) == b"last"
    with ThreadPoolExecutor() as pool:
        sent = pool.submit(send, server)
        assert everything(client) == CONTENT
        sent.result(SECONDS)


def test_a_name_that_the_certificate_does_not_hold_ends_both_sides() -> None:
    here, there = socket.socketpair()
    with here, there, ThreadPoolExecutor() as pool:
        server = pool.submit(TlsStream, there, server_context())
        with pytest.raises(ssl.SSLCertVerificationError):
            TlsStream(here, client_context(), host="localhost")
        with pytest.raises(ssl.SSLError, match="ALERT"):
            server.result(SECONDS)
