"""The JVM beside a client of Flink takes orders from that client only."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flink_scripts.settings import Environment
from flink_scripts.submit import state_environ

pytestmark = pytest.mark.slow
CLIENT = """
from flink_scripts.gateway import require_login
require_login()
from pyflink.java_gateway import get_gateway
print(get_gateway().jvm.java.lang.Math.abs(-7), flush=True)
input()
"""
# What py4j's clients send: to Java, call System.nanoTime; to Python, the first object that Java could call.
ORDERS = (b"c\nz:java.lang.System\nnanoTime\ne\n", b"c\np1\nping\ne\n", b"A\n" + b"0" * 64 + b"\ne\n")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[psutil.Process]:
    environ = state_environ(Environment(), tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "7\n"
        yield psutil.Process(process.pid)
        process.kill()


def listening(process: psutil.Process) -> list[tuple[str, int]]:
    found = (each for one in (process, *process.children()) for each in one.net_connections("tcp"))
    return [tuple(each.laddr) for each in found if each.status == psutil.CONN_LISTEN]


def answers(port: int, order: bytes) -> bytes:
    """All that a stranger is told until the connection is closed."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as stranger:
        stranger.sendall(order)
        try:
            while more := stranger.recv(4096):
                said += more
        except ConnectionResetError:
            pass
    return said


def test_a_stranger_is_refused(client: psutil.Process) -> None:
    addresses = listening(client)
    assert len(addresses) == 2
    assert {address.removeprefix("::ffff:") for address, _ in addresses} == {"127.0.0.1"}
    for _, port in addresses:
        for order in ORDERS:
            # !y is py4j's word for success. Each end closes the connection at the first wrong word.
            assert not answers(port, order).startswith(b"!y"), (port, order)


def test_nothing_of_it_outlives_a_client_that_is_killed(client: psutil.Process) -> None:
    java = client.children()
    assert len(java) == 1 and "java" in java[0].name()
    client.kill()
    _, alive = psutil.wait_procs(java, timeout=60)
    assert alive == []
