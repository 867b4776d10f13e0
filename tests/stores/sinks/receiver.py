"""A web server that takes the posts of a webhook."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Receiver:
    """It runs while the block does.

    answers: the status of each post, then 204; a status of 0 ends the connection without an answer.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.posts: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append(({key.lower(): value for key, value in self.headers.items()}, body))
                if status := receiver.answer():
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                self.close_connection = not status

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._handler = Handler
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/signals"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(10)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens while the block runs; then it takes posts again, at the same address."""
        self.__exit__()
        yield
        self.server = ThreadingHTTPServer(("127.0.0.1", self.server.server_port), self._handler)
        self.__enter__()

    def answer(self) -> int:
        """The status of the post that has just come."""
        return self.answers.pop(0) if self.answers else 204

    @property
    def names(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.posts]
