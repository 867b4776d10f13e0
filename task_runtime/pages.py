"""A small HTTP server for the JSON pages of a task, such as /health."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from task_runtime.environment import bind_host
from task_runtime.errors import SettingsError

Page = Callable[[], tuple[int, dict[str, Any]]]
"""Makes the HTTP status and the JSON body of a page."""


@contextmanager
def serve_pages(pages: Mapping[str, Page], host: str, port: int) -> Iterator[int]:
    """Answer requests in the background while the context lasts; yields the port.

    pages: by path. host: this task's address; the server listens on every interface unless it is loopback.
    port: 0 picks a free one. Raises SettingsError when the port is taken.
    """
    bound = bind_host(host)
    try:
        server = ThreadingHTTPServer((bound, port), partial(_Handler, pages))
    except OSError as error:
        raise SettingsError(
            f"can't listen on {bound}:{port}: {error.strerror}; choose another port"
        ) from None
    server.daemon_threads = True
    thread = threading.Thread(
        target=partial(server.serve_forever, poll_interval=0.1), name="pages", daemon=True
    )
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, pages: Mapping[str, Page], *args: Any) -> None:
        self._pages = pages
        super().__init__(*args)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        page = self._pages.get(path)
        status, content = (404, {"message": f"no page {path}; there is {', '.join(self._pages)}"})
        if page is not None:
            status, content = page()
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: health checks come every few seconds."""
