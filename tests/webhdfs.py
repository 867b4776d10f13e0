"""A stand-in of WebHDFS: a real HTTP server that answers as a name node and a data node of Hadoop 3.5 do.

Its files are in a folder. Tests make it fail.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

HEADER = "x-xsrf-header"
ROOT = "/webhdfs/v1"
DATA = "/data"
Fault = Callable[[str, str], tuple[int, str, str] | None]
"""Given the operation and the path, the status, exception and message of a refusal; None: none."""


class WebHdfsServer(ThreadingHTTPServer):
    """folder: the root of its files. fault: what it refuses. lost: operations whose answers are not sent,
    once each. asked: the operations with their paths. header: what each request must have.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.fault: Fault = lambda operation, path: None
        self.lost: list[str] = []
        self.header = HEADER
        self.asked: list[tuple[str, str]] = []
        self.changing = threading.Lock()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        """The address of a store."""
        return f"hdfs:127.0.0.1:{self.port}/store"


@contextmanager
def serving(folder: Path) -> Iterator[WebHdfsServer]:
    """A server that runs until the block ends."""
    with WebHdfsServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    server: WebHdfsServer

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self.close_connection = True

    def _answer(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        operation, content = query["op"], self.rfile.read(int(self.headers.get("content-length", 0)))
        path = unquote(url.path).removeprefix(ROOT).removeprefix(DATA)
        self.server.asked.append((operation, path))
        assert query["user.name"] == "pipectl"
        if self.headers[self.server.header] is None:
            self.send_error(400, "Missing Required Header for CSRF Vulnerability Protection")
        elif refused := self.server.fault(operation, path):
            self._refuse(*refused)
        elif operation in {"CREATE", "OPEN"} and url.path.startswith(ROOT):
            self.send_response(307)
            self.send_header("location", f"http://127.0.0.1:{self.server.port}{DATA}{self.path[len(ROOT) :]}")
            self.send_header("content-length", "0")
            self.end_headers()
        else:
            with self.server.changing:
                self._do(operation, self.server.folder / path.lstrip("/"), query, content)

    do_GET = do_PUT = do_DELETE = _answer  # noqa: N815  names of the base class

    def _do(self, operation: str, path: Path, query: dict[str, str], content: bytes) -> None:
        try:
            answer = getattr(self, f"_{operation.lower()}")(path, query, content)
        except FileNotFoundError:
            self._refuse(404, "FileNotFoundException", f"File does not exist: {path}")
        except FileExistsError:
            self._refuse(403, "FileAlreadyExistsException", f"{path} already exists")
        else:
            if operation in self.server.lost:
                self.server.lost.remove(operation)
            else:
                self._send(200, answer)

    def _mkdirs(self, path: Path, query: dict[str, str], content: bytes) -> Any:
        path.mkdir(parents=True, exist_ok=True)
        return {"boolean": True}

    def _create(self, path: Path, query: dict[str, str], content: bytes) -> Any:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb" if query["overwrite"] == "true" else "xb") as file:
            file.write(content)
        return b""

    def _open(self, path: Path, query: dict[str, str], content: bytes) -> Any:
        start = int(query["offset"])
        return path.read_bytes()[start : start + int(query["length"])]

    def _rename(self, path: Path, query: dict[str, str], content: bytes) -> Any:
        to = self.server.folder / query["destination"].lstrip("/")
        if to.exists() or not path.exists():
            return {"boolean": False}
        path.rename(to)
        return {"boolean": True}

    def _delete(self, path: Path, query: dict[str, str], content: bytes) -> Any:
        gone = path.exists()
        path.unlink(missing_ok=True)
        return {"boolean": gone}

    def _liststatus(self, path: Path, query: dict[str, str], content: bytes) -> Any:
        return {"FileStatuses": {"FileStatus": [_status(each, each.name) for each in path.iterdir()]}}

    def _getfilestatus(self, path: Path, query: dict[str, str], content: bytes) -> Any:
        return {"FileStatus": _status(path, "")}

    def _refuse(self, status: int, exception: str, message: str) -> None:
        """Without an exception, as the web server around WebHDFS does."""
        said = {"RemoteException": {"exception": exception, "message": message}}
        self._send(status, said if exception else b"<html></html>")

    def _send(self, status: int, answer: Any) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""


def _status(path: Path, name: str) -> dict[str, Any]:
    found = path.stat()
    kind = "DIRECTORY" if path.is_dir() else "FILE"
    length = 0 if path.is_dir() else found.st_size
    return {
        "pathSuffix": name,
        "type": kind,
        "length": length,
        "modificationTime": int(found.st_mtime * 1000),
    }
