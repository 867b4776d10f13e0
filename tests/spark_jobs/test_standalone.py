"""The processes of a standalone cluster, and the report on one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spark_jobs.standalone import command
from task_runtime.errors import SettingsError
from tests import memory
from tests.spark_jobs.standalone import Standalone
from tests.spark_jobs.test_report import check_json, record, ticks
from tests.strangers import asked, serving_only_who_may


def test_a_variable_that_is_missing_or_wrong_is_named(tmp_path):
    (tmp_path / "secret").write_text("hush")
    given = {
        "SPARK_SECRET_FILE": str(tmp_path / "secret"),
        "SPARK_MASTER": "spark://h:1",
        "PORT_RPC": "1",
        "PORT_WEB": "2",
        "SPARK_CORES": "2",
        "SPARK_MEMORY_MB": "1024",
    }
    argv, _ = command("worker", Path("/spark"), tmp_path, given)
    assert argv[-1] == "spark://h:1" and "1024m" in argv and "hush" not in " ".join(argv)
    assert (tmp_path / "spark.properties").stat().st_mode & 0o077 == 0
    for name in given:
        if name != "SPARK_MASTER":
            with pytest.raises(SettingsError, match=f"{name} is not set"):
                command("worker", Path("/spark"), tmp_path, {k: v for k, v in given.items() if k != name})
    with pytest.raises(SettingsError, match="SPARK_CORES=two: must be a whole number"):
        command("worker", Path("/spark"), tmp_path, {**given, "SPARK_CORES": "two"})


@pytest.fixture
def cluster(tmp_path) -> Iterator[Standalone]:
    """A master and a worker, which `start` starts."""
    memory.need(memory.STANDALONE_MB, "a standalone cluster of Spark")
    standalone = Standalone(tmp_path)
    yield standalone
    standalone.stop()


def report(kafka, topic: str, **variables: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "spark_jobs", "report", "--topic", topic, "-o", "json"]
    environ = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, **variables}
    return subprocess.Popen(
        argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.slow
@pytest.mark.long  # the same report on `local[*]` is in test_report.py
@pytest.mark.timeout(600)
def test_the_report_is_the_same_on_a_cluster(kafka, topic_of, cluster):
    given = ticks()
    cluster.start("master")
    cluster.start("worker")
    # A worker that is not up yet is waited for: Spark's own patience is a minute.
    job = report(kafka, topic_of(map(record, given)), **cluster.variables)
    try:
        said, complaint = job.communicate(timeout=250)
    finally:
        job.kill()
    assert job.returncode == 0, complaint
    check_json(json.loads(said), given)
    check_doors(cluster)


def check_doors(cluster: Standalone) -> None:
    """Only who has the secret sees the web UIs."""
    for role in ("master", "worker"):
        [web] = serving_only_who_may({port for _, port in cluster.listening(role)})
        for token, status in ((signed(cluster.secret), 200), (signed("another"), 403)):
            authorized = f"Host: 127.0.0.1\nAuthorization: Bearer {token}\n"
            assert asked(web, "GET", authorized) == status, role


def signed(secret: str) -> str:
    """A token as spark_jobs/README.md describes it."""

    def text(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    content = ".".join(text(json.dumps(part).encode()) for part in ({"alg": "HS256"}, {"sub": "test"}))
    key = hashlib.sha256(f"web UI {secret}".encode()).digest()
    return f"{content}.{text(hmac.digest(key, content.encode(), 'sha256'))}"
