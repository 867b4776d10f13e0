"""/health and /counters, for Marathon and the curious."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from data_generator.counters import Counters
from data_generator.errors import SettingsError

UNHEALTHY_SECONDS = 30.0
"""Longer than a broker's restart: a short outage is absorbed, so it needs no restart of the generator."""


_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Generator(Protocol):
    """What the pages show, and how to run it."""

    counters: Counters

    def run(self) -> None: ...

    def unhealthy(self, after_seconds: float) -> str | None: ...


@contextmanager
def serve(service: Generator, host: str, port: int) -> Iterator[int]:
    """Answer requests in the background while the context lasts; yields the port. Port 0 picks a free one.

    On a machine with an address of its own, every address is listened on: Marathon's checks ask at loopback.
    """
    bind = host if host in _LOOPBACK else "0.0.0.0"  # noqa: S104
    try:
        server = ThreadingHTTPServer((bind, port), partial(_Handler, service))
    except OSError as error:
        raise SettingsError(f"can't listen on {bind}:{port}: {error.strerror}; choose another port") from None
    server.daemon_threads = True
    thread = threading.Thread(
        target=partial(server.serve_forever, poll_interval=0.1), name="web", daemon=True
    )
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, service: Generator, *args: Any) -> None:
        self._service = service
        super().__init__(*args)

    def do_GET(self) -> None:
        match self.path.partition("?")[0]:
            case "/health":
                reason = self._service.unhealthy(UNHEALTHY_SECONDS)
                self._answer(503 if reason else 200, {"healthy": reason is None, "reason": reason})
            case "/counters":
                self._answer(200, self._service.counters.as_dict())
            case path:
                self._answer(404, {"message": f"{path} is not here; there are /health and /counters"})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Health checks come every few seconds: not worth a line each."""
