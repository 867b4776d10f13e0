"""A small HTTP server for the JSON pages of a task, such as /health."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from task_runtime.environment import LOOPBACK, bind_host
from task_runtime.errors import SettingsError
from task_runtime.origins import is_foreign

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
        server = ThreadingHTTPServer((bound, port), partial(_Handler, pages, bound))
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
    def __init__(self, pages: Mapping[str, Page], bound: str, *args: Any) -> None:
        self._pages = pages
        self._bound = bound
        super().__init__(*args)

    def do_GET(self) -> None:
        self._answer(*(self._refusal() or self._page()))

    def _refuse(self) -> None:
        message = {"message": f"{self.command} changes nothing here; use GET"}
        self._answer(*(self._refusal() or (405, message)))

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815  http.server's names

    def _refusal(self) -> tuple[int, dict[str, Any]] | None:
        """The answer to what a page of a web site may have caused; None for all else."""
        host = self.headers.get("Host", "")
        # Such a page can point a name of its own at loopback.
        name = host.rpartition(":")[0] or host
        if self._bound in LOOPBACK and name.strip("[]") not in LOOPBACK:
            return 403, {"message": f"{name} is not the name of this server"}
        if is_foreign(self.headers.get("Origin"), host):
            return 403, {"message": "requests from other origins are not allowed"}
        return None

    def _page(self) -> tuple[int, dict[str, Any]]:
        path = self.path.partition("?")[0]
        if path not in self._pages:
            return 404, {"message": f"no page {path}; there is {', '.join(self._pages)}"}
        return self._pages[path]()

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: health checks come every few seconds."""
