"""The submitter's health answer: HTTP GET /health."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Health:
    """What /health says. `reason` is None while the job runs, else why not; `note` is worth knowing."""

    def __init__(self, reason: str) -> None:
        self.reason: str | None = reason
        self.note: str | None = None
        self.job_id: str | None = None

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the JSON body."""
        body = {"healthy": self.reason is None, "job_id": self.job_id}
        if self.reason is None:
            return 200, body if self.note is None else {**body, "note": self.note}
        return 503, {**body, "reason": self.reason}


def serve_health(health: Health, host: str, port: int) -> ThreadingHTTPServer:
    """Start answering in a thread of its own; the caller shuts the server down."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = health.answer() if self.path == "/health" else (404, {"message": "try /health"})
            content = json.dumps(body).encode() + b"\n"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """A line for every health check would bury what matters."""

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True).start()
    return server
