"""An S3 server, PyPI's moto, with one bucket."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.no_answer import NO_ANSWER
from tests.ports import free_ports

START_SECONDS = 240
# The region of a request is told from the form of its signature, which isn't checked.
SIGNED = "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x"


@dataclass(frozen=True)
class S3:
    """endpoint: its URL. uri: its bucket. environ: what an app of Flink is told to reach it."""

    endpoint: str
    uri: str
    environ: dict[str, str]

    def ask(self, method: str, path: str, data: bytes = b"") -> bytes:
        """Send a request, such as one to put an object; returns the answer's body."""
        url = f"{self.endpoint}/{path}"
        asked = urllib.request.Request(url, data=data, method=method, headers={"Authorization": SIGNED})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            body: bytes = answer.read()
        return body


@contextmanager
def serving(executable: Path, folder: Path, plugins: Path) -> Iterator[S3]:
    """The server with the bucket `bucket`; its log goes to `folder`. plugins: Flink's."""
    (port,) = free_ports(1)
    endpoint, log = f"http://127.0.0.1:{port}", folder / "moto.log"
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    place = {"FLINK_S3_ENDPOINT": endpoint, "FLINK_S3_PATH_STYLE": "true", "FLINK_PLUGINS_DIR": str(plugins)}
    server = S3(endpoint, "s3://bucket", {**place, **keys})
    argv = [executable, "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output, subprocess.Popen(argv, stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    server.ask("PUT", "bucket")
                    break
                except NO_ANSWER:
                    assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
                    time.sleep(0.05)
            yield server
        finally:
            process.terminate()
