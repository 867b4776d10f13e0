"""A JobManager's REST API on loopback whose jobs do what a test says, without a JVM.

Its answers have the form that Flink 2.3's own have.
"""

from __future__ import annotations

import json
import re
import ssl
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from flink_scripts.tls import REST, SERVER, key_store

Json = dict[str, Any]
TOKEN = "the-token-of-a-flink-that-is-scripted"


class FakeJob:
    """One job. `savepoint` is how its savepoints end; None: they never do."""

    def __init__(self, job_id: str, name: str, parameters: dict[str, str]) -> None:
        self.id, self.name, self.parameters = job_id, name, parameters
        self.state = "RUNNING"
        self.tasks = ["RUNNING", "RUNNING"]
        self.slots = 1
        self.completed = 0
        self.declined = 0
        self.failed: list[Json] = []
        self.restored: Json | None = None
        self.failures: list[Json] = []
        self.savepoint: Json | None = {"location": "file:/state/savepoints/savepoint-1"}
        self.cancels = True

    def fail(self, time_ms: int, stack_trace: str, **more: str) -> None:
        """Add a failure to the exception history; Flink leaves out what it doesn't know."""
        entry = {
            "timestamp": time_ms,
            "exceptionName": stack_trace.partition(":")[0],
            "stacktrace": stack_trace,
        }
        self.failures.insert(0, {**entry, "concurrentExceptions": [], **more})

    def fail_checkpoint(self, checkpoint_id: int, message: str) -> None:
        self.failed.append({"id": checkpoint_id, "status": "FAILED", "failure_message": message})

    def checkpoints(self) -> Json:
        failed = self.declined + len(self.failed)
        counts = {"completed": self.completed, "failed": failed, "restored": 0, "in_progress": 0}
        completed = [{"id": 1, "status": "COMPLETED"}] if self.completed else []
        return {
            "counts": {**counts, "total": self.completed + failed},
            "latest": {"completed": None, "savepoint": None, "failed": None, "restored": self.restored},
            "history": [*self.failed, *completed],
        }


def speak_tls(server: ThreadingHTTPServer, token: str) -> None:
    """Let a server prove that it knows this token."""
    key, certificate, _ = pkcs12.load_key_and_certificates(key_store(token, REST, SERVER, "x"), b"x")
    assert isinstance(key, EllipticCurvePrivateKey) and certificate is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.write(certificate.public_bytes(Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    # Each request's own thread shakes hands: a client that does not would hold up the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


class FakeFlink:
    """The server. `when` is called before each answer, with method and path; it may change everything.

    slots: whether a job that is submitted finds some; without them it waits, under the adaptive scheduler.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, FakeJob] = {}
        self.slots = True
        self.broken = False
        self.calls: list[str] = []
        self.when: Callable[[str], None] = lambda call: None
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            do_POST = do_PATCH = do_GET  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        speak_tls(self._server, TOKEN)
        self.address: tuple[str, int] = ("127.0.0.1", self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def add(self, job_id: str, name: str, identity: str, shape: str = "shape") -> FakeJob:
        """A job that runs."""
        parameters = {"flink_scripts.identity": identity, "flink_scripts.shape": shape}
        self.jobs[job_id] = FakeJob(job_id, name, parameters)
        return self.jobs[job_id]

    def restart(self) -> None:
        """The JobManager dies and returns: it has forgotten everything."""
        self.jobs.clear()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = json.loads(request.rfile.read(length) or b"{}")
        path = request.path.partition("?")[0]
        with self._lock:
            call = f"{request.command} {request.path}"
            self.calls.append(call)
            self.when(call)
            # The submitting process of these tests is not one of Flink's clients.
            if path != "/submit" and request.headers["Authorization"] != f"Bearer {TOKEN}":
                status, answer = 401, {"errors": ["no token"]}
            else:
                status, answer = self._dispatch(request.command, path, body)
        content = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json; charset=UTF-8")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _dispatch(self, method: str, path: str, body: Json) -> tuple[int, Json]:
        if self.broken:
            return 503, {"errors": ["Service Unavailable"]}
        if path == "/overview":
            return 200, {
                "flink-version": "2.3.0",
                "taskmanagers": 1,
                "slots-total": 1,
                "slots-available": int(not self.jobs),
            }
        if path == "/jobs/overview":
            rows = [
                {"jid": job.id, "name": job.name, "state": job.state, "start-time": number, "duration": 5}
                for number, job in enumerate(self.jobs.values())
            ]
            return 200, {"jobs": rows}
        if path == "/submit":  # stands for Flink's dispatcher, which takes each id once
            if body["id"] in self.jobs:
                return 400, {"errors": ["DuplicateJobSubmissionException"]}
            job = self.add(body["id"], body["name"], body["identity"])
            if not self.slots:
                job.state, job.tasks = "CREATED", ["CREATED", "CREATED"]
            return 202, {}
        found = re.fullmatch(r"/jobs/(\w+)(/.*)?", path)
        job = self.jobs.get(found[1]) if found else None
        if found is None or job is None:
            return 404, {
                "errors": [f"org.apache.flink.runtime.rest.NotFoundException: {path} not found\n\tat x"]
            }
        return self._about(job, method, found[2] or "", body)

    def _about(self, job: FakeJob, method: str, path: str, body: Json) -> tuple[int, Json]:
        if method == "PATCH":
            if job.cancels:
                job.state = "CANCELED"
            return 202, {}
        if path == "":
            vertices = [{"status": task, "parallelism": job.slots} for task in job.tasks]
            return 200, {"state": job.state, "vertices": vertices}
        if path == "/config":
            return 200, {"execution-config": {"user-config": job.parameters}}
        if path == "/exceptions":
            return 200, {"exceptionHistory": {"entries": job.failures, "truncated": False}}
        if path == "/checkpoints":
            return 200, job.checkpoints()
        if path == "/stop":
            return 202, {"request-id": "r1"}
        if path == "/savepoints/r1":
            if job.savepoint is None:
                return 200, {"status": {"id": "IN_PROGRESS"}}
            if "location" in job.savepoint:
                job.state = "FINISHED"
            return 200, {"status": {"id": "COMPLETED"}, "operation": job.savepoint}
        raise AssertionError(f"{method} {path} is not Flink's")
