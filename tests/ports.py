"""Ports for the servers of the tests."""

from __future__ import annotations

import socket


def free_ports(number: int, host: str = "127.0.0.1") -> list[int]:
    """Different ports that nobody listens on, now."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind((host, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
