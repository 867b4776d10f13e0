"""The broker and the store are killed while a sink is at work: missing 0, doubled 0."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest

from stores.base import Store
from stores.errors import StoreError
from stores.opening import open_store
from tests.cassandra_node import CassandraNode
from tests.hdfs_nodes import NODES, HdfsService
from tests.mysql_server import MySqlServer
from tests.ports import free_ports
from tests.stores.batches import ALWAYS
from tests.stores.sinks.receiver import Receiver
from tests.stores.sinks.secured import health
from tests.stores.sinks.test_sink import FLOW, Bundle, record, signal_of

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]
MANY = 1200
BATCH = "20"
SECONDS = 300
NAMES = FLOW.table.names
SIGNALS = 240


class Standing:
    """A sink that is started again whenever it ends, as the cluster does with the app."""

    def __init__(self, start: Callable[[], subprocess.Popen[str]]) -> None:
        self.ended: list[str] = []
        self._start = start

    def __enter__(self) -> Self:
        self._app = self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._app.kill()
        self._app.communicate()

    def until(self, reached: Callable[[], bool], what: str) -> None:
        """Wait, with a sink at work."""
        deadline = time.monotonic() + SECONDS
        while not reached():
            if self._app.poll() is not None:
                self.ended.append(self._app.communicate()[1])
                self._app = self._start()
            assert time.monotonic() < deadline, f"waited for {what}; sinks that ended said: {self.ended}"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the sink as the cluster does. Each that ended before has said why."""
        self._app.send_signal(signal.SIGTERM)
        _, err = self._app.communicate(timeout=SECONDS)
        assert self._app.returncode == 0, err
        for said in (*self.ended, err):
            assert "Traceback" not in said


@dataclass
class Place:
    """Where a sink writes. kills: how its server is killed, each waits until it serves again."""

    address: str
    environ: Mapping[str, str]
    store: Store
    kills: tuple[Callable[[], None], ...]

    def count(self) -> int:
        """The number of records; 0 while the store cannot be read."""
        with suppress(StoreError):
            return sum(1 for _ in self.store.read(FLOW, *ALWAYS))
        return 0


def again(node: Any, kill: Callable[[], None] | None = None) -> Callable[[], None]:
    def kill_and_start() -> None:
        (kill or node.kill)()
        node.start()

    return kill_and_start


@pytest.fixture(params=["disk", "mysql", "hdfs", "cassandra"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    def opened(address: str, environ: Mapping[str, str], *kills: Callable[[], None]) -> Place:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return Place(address, environ, open_store(address), kills)

    if request.param == "disk":
        yield opened(f"disk:{tmp_path}", {})
    elif request.param == "mysql":
        with MySqlServer(tmp_path, *free_ports(2)) as server:
            found = opened(server.address, server.environ, again(server))
            with closing(found.store):
                yield found
    elif request.param == "hdfs":
        with HdfsService(tmp_path, *free_ports(2)) as nodes:
            one_by_one = (again(nodes, partial(nodes.kill_node, each)) for each in NODES)
            found = opened(nodes.address, nodes.environ, *one_by_one, again(nodes))
            with closing(found.store):
                yield found
    else:
        node: CassandraNode = request.getfixturevalue("cassandra")
        found = opened(node.address("kills"), node.environ, again(node))
        with closing(found.store):
            yield found


def test_each_record_is_stored_once_when_the_broker_and_the_store_are_killed(
    kafka: Any, place: Place
) -> None:
    bundle, broker = Bundle(kafka), again(kafka)

    def both() -> None:
        kafka.kill()
        try:
            place.kills[-1]()
        finally:
            kafka.start()

    kills = [broker, *place.kills, both if place.kills else broker]
    with Standing(lambda: bundle.start(place.address, BATCH=BATCH, **place.environ)) as sink:
        for number, kill in enumerate(kills):
            bundle.write(MANY)
            seen = 0

            def at_work() -> bool:
                nonlocal seen
                seen = place.count()
                return seen > number * MANY  # noqa: B023  called in this round only

            sink.until(at_work, "the sink to write")
            assert seen < (number + 1) * MANY
            kill()
        total = len(kills) * MANY
        sink.until(lambda: place.count() >= total, f"{total} records in the store")
        sink.stop()
    found = Counter(tuple(row[name] for name in NAMES) for row in place.store.read(FLOW, *ALWAYS))
    wanted = Counter(tuple(getattr(record(number), name) for name in NAMES) for number in range(total))
    missing, doubled = wanted - found, found - wanted
    assert (missing.total(), doubled.total()) == (0, 0), (missing.most_common(3), doubled.most_common(3))


def test_each_signal_is_posted_once_when_the_broker_is_killed_and_the_receiver_is_away(kafka: Any) -> None:
    bundle = Bundle(kafka, "signals", signal_of)
    bundle.write(SIGNALS)
    [port] = free_ports(1)
    with Receiver() as receiver:
        killed = threading.Event()
        to = {"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": "hush", "PORT0": str(port)}

        def killing() -> int:
            """Kills the broker between the 20th post and its commit."""
            if len(receiver.posts) == 20:
                kafka.kill()
                killed.set()
            return 204

        receiver.answer = killing  # type: ignore[method-assign]
        with Standing(lambda: bundle.start("", **to)) as sink:
            sink.until(killed.is_set, "20 posts")
            kafka.start()
            # Now wherever that is.
            sink.until(lambda: len(receiver.posts) >= 80, "80 posts")
            again(kafka)()
            sink.until(lambda: len(receiver.posts) >= 140, "140 posts")
            assert len(set(receiver.names)) < SIGNALS
            with receiver.away():
                sink.until(lambda: "ConnectError" in (health(port)[1] or ""), "the sink to miss the receiver")
            sink.until(lambda: len(set(receiver.names)) == SIGNALS, f"{SIGNALS} signals")
            sink.stop()

    assert len(receiver.names) == SIGNALS
    found: dict[str, list[int]] = {}
    for _, body in receiver.posts:
        post = json.loads(body)
        found.setdefault(post["symbol"], []).append(int(post["price"]))
    assert found == {f"S{first}": list(range(first, SIGNALS, 7)) for first in range(7)}
