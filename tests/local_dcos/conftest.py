"""Clusters to test against: real agents, each in a temporary folder."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

# Far more than anything takes on a busy machine.
PATIENCE = 60.0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
QUICK_CHECK = {
    "gracePeriodSeconds": 30,
    "intervalSeconds": 0,
    "timeoutSeconds": 2,
    "maxConsecutiveFailures": 2,
}
# A server that answers 200 until it gets /break, and then 500.
WEB = """
import http.server, os
class Web(http.server.BaseHTTPRequestHandler):
    broken = False
    def do_GET(self):
        if self.path == "/break": Web.broken = True
        body = f"{self.path} {self.headers.get('Authorization')} {os.environ.get('GREETING', '')}".encode()
        self.send_response(500 if Web.broken else 200)
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT0"])), Web).serve_forever()
"""


def wait_for(look: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Returns the first true value of `look`. Fails after a timeout."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = look()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"nothing within {seconds} s, last: {look()!r}")


class Cluster:
    """A running cluster."""

    wait_for = staticmethod(wait_for)

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.start(*options)

    def start(self, *options: str) -> None:
        self.local_dcos("start", *options)
        self.document = json.loads((self.home / "cluster.json").read_text())
        self.url, self.pid = self.document["url"], self.document["pid"]
        self.token = (self.home / "token").read_text().strip()

    def local_dcos(self, verb: str, *more: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "local_dcos", verb, "--home", str(self.home), *more]
        return subprocess.run(command, capture_output=True, text=True, check=check)

    def kill_agent(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        wait_for(lambda: not psutil.pid_exists(self.pid) or psutil.Process(self.pid).status() == "zombie")

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Sends a request. Returns the status and the answer, which is text if it is not JSON."""
        data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        sent = {"Authorization": f"token={self.token}", **headers}
        request = urllib.request.Request(self.url + path, data, sent, method=method)
        try:
            with OPENER.open(request, timeout=20) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def marathon(self, method: str, path: str, body: Any = None) -> Any:
        """Sends a request to Marathon that must succeed."""
        status, answer = self.call(method, f"/service/marathon/v2/{path}", body)
        assert status < 300, answer
        return answer

    def app(self, app_id: str) -> Any:
        status, answer = self.call("GET", f"/service/marathon/v2/apps{app_id}")
        return answer["app"] if status == 200 else None

    def settle(self, seconds: float = PATIENCE) -> None:
        """Waits until no deployment is left."""
        wait_for(lambda: self.marathon("GET", "deployments") == [], seconds)

    def run(self, definition: dict[str, Any]) -> Any:
        """Adds an app, waits for its deployment, returns its view."""
        self.marathon("POST", "apps", {"mem": 32, "cpus": 0.1, **definition})
        self.settle()
        return self.app("/" + definition["id"].strip("/"))

    def web(self, app_id: str, **more: Any) -> dict[str, Any]:
        """Returns the definition of a small web server with a health check."""
        check = {**QUICK_CHECK, "protocol": "HTTP", "path": "/", "portIndex": 0}
        return {"id": app_id, "args": [sys.executable, "-c", WEB], "healthChecks": [check], **more}

    def clear(self) -> None:
        """Removes every app."""
        for app in self.marathon("GET", "apps")["apps"]:
            self.call("DELETE", f"/service/marathon/v2/apps{app['id']}?force=true")
        wait_for(lambda: self.marathon("GET", "apps")["apps"] == [])
        self.settle()

    def attach(self, folder: Path) -> None:
        """Makes `folder` a `DCOS_DIR` that is attached to this cluster, as `dcos cluster setup` does."""
        mine = folder / "clusters" / self.document["id"]
        mine.mkdir(parents=True)
        config = mine / "dcos.toml"
        config.touch(mode=0o600)
        config.write_text(
            f'[core]\ndcos_url = "{self.url}"\ndcos_acs_token = "{self.token}"\n'
            'ssl_verify = "false"\ntimeout = 20\n[cluster]\nname = "local"\n'
        )
        (mine / "attached").touch()

    def environment(self) -> dict[str, str]:
        return {**os.environ, "DCOS_URL": self.url, "DCOS_ACS_TOKEN": self.token}

    def dcos(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs the small client."""
        command = [sys.executable, "-m", "local_dcos.client", *arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=self.environment(), timeout=60
        )

    def processes(self) -> list[int]:
        """Returns the processes of tasks, which have this home and a task's id in their environment."""
        found = []
        for process in psutil.process_iter():
            try:
                environ = process.environ()
                of_home = environ.get("LOCAL_DCOS_HOME") == str(self.home)
                if of_home and "MESOS_TASK_ID" in environ and process.status() != "zombie":
                    found.append(process.pid)
            except psutil.Error:
                continue
        return found


def _run(home: Path, *options: str) -> Iterator[Cluster]:
    cluster = Cluster(home, *options)
    yield cluster
    cluster.local_dcos("purge")
    assert cluster.processes() == []
    assert not home.exists()


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    yield from _run(tmp_path_factory.mktemp("local_dcos") / "cluster")


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Iterator[Cluster]:
    """A running cluster without apps."""
    yield shared_cluster
    shared_cluster.clear()


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of its own for a test that stops or kills the agent."""
    yield from _run(tmp_path / "cluster")


@pytest.fixture
def three_agents(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of its own with three agents."""
    yield from _run(tmp_path / "cluster", "--agents", "3")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port in use."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]
