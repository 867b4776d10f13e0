"""The submitter's health answer: HTTP GET /health."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Health:
    """What /health says.

    reason: None while the job runs, else why not. note: worth knowing though the job runs. last_failure:
    `time` and `reason` of the job's last failure, if any. checkpoints: how many of the job were `completed`,
    and how many truly `failed` while this process has watched it.
    """

    def __init__(self, reason: str) -> None:
        self.reason: str | None = reason
        self.note: str | None = None
        self.job_id: str | None = None
        self.last_failure: dict[str, str] | None = None
        self.checkpoints: dict[str, int] | None = None

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the JSON body; what is not known is left out."""
        reason = self.reason
        body = {
            "healthy": reason is None,
            "job_id": self.job_id,
            **_known(checkpoints=self.checkpoints, last_failure=self.last_failure),
        }
        if reason is None:
            return 200, {**body, **_known(note=self.note)}
        return 503, {**body, "reason": reason}


def _known(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


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
