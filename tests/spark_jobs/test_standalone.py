"""A standalone cluster of real processes on loopback, and the report on it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from spark_jobs.standalone import command
from task_runtime.errors import SettingsError
from tests.ports import free_ports
from tests.spark_jobs.test_report import check_json, record, ticks


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
def cluster(tmp_path) -> Iterator[Callable[[], dict[str, str]]]:
    """Starts a master and a worker; returns the variables of a job on them."""
    started: list[subprocess.Popen[bytes]] = []
    rpc, master_web, worker_rpc, worker_web = map(str, free_ports(4))
    secret = tmp_path / "secret"
    secret.write_text(secrets.token_hex())
    job = {"SPARK_MASTER": f"spark://127.0.0.1:{rpc}", "SPARK_SECRET_FILE": str(secret)}

    def process(role: str, **variables: str) -> None:
        folder = tmp_path / role
        folder.mkdir()
        with (folder / "output").open("wb") as output:
            argv = [sys.executable, "-m", "spark_jobs", "standalone", role]
            environ = {**os.environ, "HOST": "127.0.0.1", **job, **variables}
            started.append(
                subprocess.Popen(
                    argv, cwd=folder, env=environ, stdout=output, stderr=output, start_new_session=True
                )
            )

    def start() -> dict[str, str]:
        process("master", PORT_RPC=rpc, PORT_WEB=master_web)
        process(
            "worker",
            PORT_RPC=worker_rpc,
            PORT_WEB=worker_web,
            SPARK_CORES="1",
            SPARK_MEMORY_MB="1024",
        )
        return job

    yield start
    for each in started:
        for listening in psutil.Process(each.pid).net_connections("tcp") if each.poll() is None else []:
            if listening.status == psutil.CONN_LISTEN:
                assert listening.laddr.ip.endswith("127.0.0.1"), listening
        os.killpg(each.pid, signal.SIGTERM)
        try:
            each.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(each.pid, signal.SIGKILL)
            each.wait()


def report(kafka, topic: str, **variables: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "spark_jobs", "report", "--topic", topic, "-o", "json"]
    environ = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers, **variables}
    return subprocess.Popen(
        argv, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_report_is_the_same_on_a_cluster(kafka, topic_of, cluster):
    given = ticks()
    # A worker that is not up yet is waited for: Spark's own patience is a minute.
    job = report(kafka, topic_of(map(record, given)), **cluster())
    try:
        said, complaint = job.communicate(timeout=250)
    finally:
        job.kill()
    assert job.returncode == 0, complaint
    check_json(json.loads(said), given)
