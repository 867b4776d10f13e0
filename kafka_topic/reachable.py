"""Whether any broker can be reached: an answer in milliseconds, where librdkafka spends its whole timeout."""

from __future__ import annotations

import socket
from contextlib import suppress


def is_reachable(bootstrap_servers: str, *, timeout: float) -> bool:
    """Whether one of the brokers takes a connection. timeout: seconds for all of them together."""
    servers = bootstrap_servers.split(",")
    return any(_is_open(server, timeout / len(servers)) for server in servers)


def _is_open(server: str, timeout: float) -> bool:
    host, _, port = server.rpartition(":")
    with suppress(OSError):
        socket.create_connection((host.strip("[]"), int(port)), timeout=timeout).close()
        return True
    return False
