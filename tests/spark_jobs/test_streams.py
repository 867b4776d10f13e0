"""Streams as their apps run them: every record and window once, whatever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.progress import Progress
from stores.cassandra import CassandraStore
from stores.cql import address_of
from stores.errors import UnreachableError
from stores.tables import PRICES, STATISTICS, Flow
from tests import memory
from tests.hdfs_nodes import HdfsService
from tests.ports import free_ports
from tests.service_node import ServiceNode
from tests.spark_jobs.test_stream import ALWAYS, CLOSING, record, send, ticks, windows

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Driver:
    """The process of the app."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self._output = folder / "output"
        [self._port] = free_ports(1)
        self._environ = {**os.environ, **environ, "PORT0": str(self._port)}
        self.start()

    def start(self) -> None:
        with self._output.open("ab") as output:
            argv = [sys.executable, "-m", "spark_jobs", "streams"]
            self._process = subprocess.Popen(
                argv, env=self._environ, stdout=output, stderr=output, start_new_session=True
            )

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def revive(self) -> None:
        """Start it again if it has ended, as Marathon does."""
        if self._process.poll() is not None:
            self.start()

    def health(self) -> tuple[int, Any]:
        try:
            with _OPENER.open(f"http://127.0.0.1:{self._port}/health", timeout=5) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def said(self) -> str:
        return self._output.read_text(errors="replace")[-3000:]


@pytest.fixture
def hdfs(tmp_path: Path) -> Iterator[HdfsService]:
    (tmp_path / "hdfs").mkdir()
    with HdfsService(tmp_path / "hdfs", *free_ports(2)) as nodes:
        yield nodes


@pytest.mark.slow
@pytest.mark.long  # the short form is bench/spark_kills.py, which kills the worker
@pytest.mark.timeout(600)
def test_every_record_and_window_is_stored_once_when_cassandra_broker_and_driver_are_killed(
    kafka, cassandra, topic_of, tmp_path
):
    address = cassandra.address("killed")
    store = CassandraStore(address_of(address.partition(":")[2], cassandra.environ))
    check_kills(kafka, cassandra, address, store, topic_of([]), tmp_path, cassandra.environ)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_record_and_window_is_stored_once_when_hdfs_broker_and_driver_are_killed(
    kafka, hdfs, topic_of, tmp_path
):
    check_kills(kafka, hdfs, hdfs.address, hdfs.store(), topic_of([]), tmp_path, hdfs.environ)


def check_kills(
    kafka: Any, node: ServiceNode, address: str, store: Any, topic: str, folder: Path, environ: dict[str, str]
) -> None:
    """Kill the store's node, the broker and the driver while records are on their way to the store."""
    memory.need(memory.SPARK_MB, "Spark")
    given = [*ticks(500), *[CLOSING] * 3]
    driver = Driver(
        folder,
        {
            **environ,
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "STREAMS": f"{topic}=prices",
            "STREAM_DELAY": "1m",
            "STREAM_INTERVAL": "1s",
            "STORE": address,
            "CHECKPOINTS": str(folder / "checkpoints"),
            "SPARK_MASTER": "local[2]",
        },
    )
    flow, statistics = Flow(topic, PRICES), Flow(f"{topic}-statistics", STATISTICS)

    def count(of: Flow) -> int:
        try:
            return sum(1 for _ in store.read(of, *ALWAYS))
        except UnreachableError:
            return 0  # the store is starting again

    def wait_for(rows: int, of: Flow = flow) -> None:
        deadline = time.monotonic() + 240
        while (found := count(of)) < rows:
            driver.revive()
            assert time.monotonic() < deadline, f"{found} of {rows} rows after 240 s:\n{driver.said()}"
            time.sleep(0.2)

    wanted = windows(given)
    try:
        send(kafka, topic, map(record, given[:100]))
        wait_for(50)
        assert driver.health()[0] == 200, driver.health()
        node.kill()
        send(kafka, topic, map(record, given[100:200]))
        node.start()
        wait_for(150)
        send(kafka, topic, map(record, given[200:300]))
        kafka.kill()
        kafka.start()
        wait_for(250)
        send(kafka, topic, map(record, given[300:400]))
        driver.kill()
        driver.start()
        send(kafka, topic, map(record, given[400:]))
        wait_for(len(given))
        wait_for(len(wanted), statistics)
    finally:
        driver.kill()
    rows = list(store.read(flow, *ALWAYS))
    assert Counter((row["ts"], row["symbol"], row["price"]) for row in rows) == Counter(given)
    assert len({(row["partition"], row["offset"]) for row in rows}) == len(given)
    stored = list(store.read(statistics, *ALWAYS))
    assert {
        (row["name"], row["window_end"]): {name: row[name] for name in next(iter(wanted.values()))}
        for row in stored
    } == wanted
    store.close()


class Query:
    """What a query tells of itself."""

    name = "prices-records"
    recentProgress: tuple[Any, ...] = ()  # noqa: N815  Spark's own name

    def __init__(self) -> None:
        self.status = {"isTriggerActive": False}


def test_a_query_that_does_not_finish_a_batch_is_unhealthy():
    now = [0.0]
    progress, query = Progress(lambda: now[0]), Query()
    assert progress.problem() == "the queries are starting"
    list(progress.look([query]))  # type: ignore[list-item]
    now[0] = 1000.0
    list(progress.look([query]))  # type: ignore[list-item]
    assert progress.problem() is None, "it has nothing to do"
    query.status["isTriggerActive"] = True
    now[0] = 1119.0
    list(progress.look([query]))  # type: ignore[list-item]
    assert progress.problem() is None
    now[0] = 1121.0
    list(progress.look([query]))  # type: ignore[list-item]
    assert progress.problem() == "prices-records has not finished a batch for 121 s"
