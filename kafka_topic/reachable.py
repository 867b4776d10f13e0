"""Whether any broker can be reached: an answer in milliseconds, where librdkafka spends its whole timeout."""

from __future__ import annotations

import socket


def why_unreachable(bootstrap_servers: str, *, timeout: float) -> str | None:
    """Why none of the brokers takes a connection; None if one does. timeout: seconds for all together."""
    servers = bootstrap_servers.split(",")
    if any(_is_open(server, timeout / len(servers)) for server in servers):
        return None
    return f"no broker answers at {bootstrap_servers}{unknown_names(bootstrap_servers)}"


def unknown_names(bootstrap_servers: str) -> str:
    """Which names of the brokers cannot be resolved, as the end of a sentence; "" if all can."""
    names = dict.fromkeys(
        host for server in bootstrap_servers.split(",") if not _is_known(host := _host(server))
    )
    if not names:
        return ""
    return f": the name {' and the name '.join(names)} cannot be resolved"


def _is_open(server: str, timeout: float) -> bool:
    try:
        port = int(server.rpartition(":")[2])
        socket.create_connection((_host(server), port), timeout=timeout).close()
    except (OSError, UnicodeError):
        return False
    return True


def _is_known(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        return False
    return True


def _host(server: str) -> str:
    return server.rpartition(":")[0].strip("[]")
