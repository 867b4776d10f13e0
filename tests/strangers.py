"""What strangers get at a port: a web page in a browser of this machine, or a program without a login."""

from __future__ import annotations

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psutil

PATHS = ("/", "/health", "/v1/health", "/overview", "/api/positions", "/json/", "/jmx", "/conf")
WEBHDFS = "/webhdfs/v1/?op=LISTSTATUS&user.name=hdfs"
_AT_ONCE = 8
_SECONDS = 30
_OWN = "Host: 127.0.0.1:{port}\n"
_FOREIGN = "Host: evil.example:{port}\n"
# A page whose name leads to this machine (DNS rebinding) may send any method, and reads the answers.
_SENDERS = (
    ("GET", _FOREIGN),
    ("PUT", _FOREIGN),
    ("GET", _OWN + "Origin: http://evil.example\n"),
    ("POST", _OWN),
    ("PUT", _OWN),
    ("POST", _OWN + "Origin: http://evil.example\n"),
)
_BROWSER = "User-Agent: Mozilla/5.0\n"


def listening(process: psutil.Process) -> list[tuple[str, int]]:
    """The addresses on which a process listens."""
    try:
        found = process.net_connections("tcp")
    except psutil.Error:
        return []  # it has just ended
    return [(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN]


def statuses(port: int) -> dict[str, int | None]:
    """What the port answers to each request that it must refuse, in plaintext and by TLS, as in `asked`.

    Empty where it does not speak HTTP. Many such ports keep silent until a request is given up.
    """
    return {
        f"{method} {path} {sender} {tls}": asked(port, method, sender, path, tls=tls)
        for tls in (False, True)
        if asked(port, *_SENDERS[0], tls=tls) is not None
        for path in (*PATHS, WEBHDFS)
        for method, sender in _SENDERS
    }


def asked(port: int, method: str, headers: str, path: str = "/", *, tls: bool = False) -> int | None:
    """The status that an HTTP server at this port answers to a browser; None: another protocol, or no server.

    headers: lines that name the port as `{port}`.
    """
    request = f"{method} {path} HTTP/1.1\n{headers.format(port=port)}{_BROWSER}Content-Length: 0\n\n"
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=_SECONDS))
            if tls:
                connection = stack.enter_context(_anybody().wrap_socket(connection))
            connection.sendall(request.replace("\n", "\r\n").encode())
            line = connection.recv(4096).partition(b"\r\n")[0]
        except OSError:
            return None
    return int(line.split()[1]) if line.startswith(b"HTTP/") else None


def serving_only_who_may(ports: set[int]) -> set[int]:
    """Those of the ports that speak HTTP. Fails if one answers a stranger with anything but a refusal."""
    ordered, found = sorted(ports), set()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        given = list(pool.map(statuses, ordered))
    for port, answers in zip(ordered, given, strict=True):
        admitted = {each: status for each, status in answers.items() if status and not 400 <= status < 500}
        assert not admitted, (port, admitted)
        if answers:
            found.add(port)
    return found


def _anybody() -> ssl.SSLContext:
    """A client of TLS that trusts everybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
