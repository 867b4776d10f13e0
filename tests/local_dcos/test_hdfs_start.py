"""The user's folder in HDFS is made, however long a busy name node takes to answer."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError

import pytest

from local_dcos.hdfs import nodes
from local_dcos.hdfs.nodes import HdfsNodes

READY = b'{"beans": [{"Safemode": "", "LiveNodes": "{\\"here\\": {}}"}]}'


class NameNode(ThreadingHTTPServer):
    """Answers its first request for a folder when the next one has come. code: of its answers."""

    daemon_threads = True

    def __init__(self, code: int = 200) -> None:
        self.code = code
        self.asked: list[str] = []
        self.headers: list[set[str]] = []
        self.second = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: NameNode

    def do_GET(self) -> None:
        self._answer(200, READY)

    def do_PUT(self) -> None:
        self.server.asked.append(self.path.partition("op=")[2].partition("&")[0])
        if len(self.server.asked) > 1 or self.server.code != 200:
            self.server.second.set()
        self.server.second.wait(60)
        self._answer(self.server.code, b"")

    def _answer(self, code: int, content: bytes) -> None:
        self.server.headers.append({*map(str.lower, self.headers)})
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle(self) -> None:
        with suppress(OSError):  # the client waits no longer
            super().handle()

    def log_message(self, *args: object) -> None:
        pass


def ready(server: NameNode, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "_SECONDS", 1.0)
    environ = {
        "LOCAL_DCOS_HOME": str(tmp_path),
        "HDFS_SERVICE_NAME": "test",
        "PORT_HTTP": str(server.server_address[1]),
    }
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        asyncio.run(asyncio.wait_for(HdfsNodes(environ).until_ready(), 60))
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_a_name_node_that_answers_late_is_asked_again(tmp_path, monkeypatch) -> None:
    server = NameNode()
    ready(server, tmp_path, monkeypatch)
    assert server.asked[:2] == ["MKDIRS", "MKDIRS"] and server.asked[-1] == "SETOWNER"
    header = (tmp_path / "secrets" / "test-header").read_text().strip()
    assert all(header in sent for sent in server.headers)


def test_a_refusal_is_an_error(tmp_path, monkeypatch) -> None:
    server = NameNode(403)
    with pytest.raises(HTTPError) as refused:
        ready(server, tmp_path, monkeypatch)
    refused.value.close()
    assert server.asked == ["MKDIRS"]
