"""The dashboard as a process of its own, on a real broker, fed with records that tests write."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kafka_topic.contracts import DeadLetter, Limits, MovingAverage, Price, Signal
from kafka_topic.names import Topics
from tests import group_offsets
from tests.no_answer import NO_ANSWER
from tests.ports import free_ports

POSITIONS = ("AAPL", "MSFT")
WINDOWS = {"10s": 10, "1m": 60, "10m": 600}
SIGNALS = {
    "regime": {"window": "1m", "high": 1.0, "low": 0.5},
    "anomaly": {"window": "10s", "sigmas": 3},
    "limit": {"window": "10m", "horizon_seconds": 300, "probability": 0.5},
    "gap": {"window": "10s", "after_seconds": 5},
}
FRESH_SECONDS = 3.0
START_SECONDS = 240.0
_NUMBERS = itertools.count()


def wait_for(look: Callable[[], Any], seconds: float = START_SECONDS) -> Any:
    """The first true value of `look`; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := look():
            return value
        time.sleep(0.03)
    raise AssertionError(f"nothing within {seconds} s, last: {look()!r}")


class Feeder:
    """Writes prices and windows into topics of its own."""

    def __init__(self, servers: str, prefix: str) -> None:
        from confluent_kafka import Producer

        self.servers, self.prefix = servers, prefix
        self._topics = Topics(prefix)
        self._producer = Producer({"bootstrap.servers": servers, "linger.ms": 1, "enable.idempotence": True})

    def price(self, symbol: str, price: float, at: datetime | None = None) -> Price:
        record = Price(at or datetime.now(UTC), symbol, price)
        self._producer.produce(self._topics.position(symbol), record.to_json(), symbol)
        return record

    def window(
        self, symbol: str, mean: float = 100.0, end: datetime | None = None, label: str = "10s"
    ) -> MovingAverage:
        end = end or datetime.now(UTC)
        start = end - timedelta(seconds=WINDOWS[label])
        record = MovingAverage(
            symbol,
            start,
            end,
            50,
            mean,
            mean - 1,
            mean + 1,
            mean,
            0.5,
            50 / mean,
            {"median": mean, "mad": 0.25},
        )
        self.raw(record.to_json(), symbol)
        return record

    def signal(self, symbol: str, kind: str, event: str, **fields: Any) -> Signal:
        """A signal of just now, with what its kind needs."""
        limit = kind == "limit" and event != "no_forecast"
        defaults = {
            "time": datetime.now(UTC),
            "window": SIGNALS[kind]["window"],
            "side": "buy" if limit else None,
            "price": 100.0,
            "value": None if event == "no_forecast" else 0.7,
            "threshold": None if event == "no_forecast" else 0.5,
            "probability": 0.7 if limit else None,
            "horizon_seconds": 300.0 if limit else None,
            "lead_seconds": 42.0 if limit else None,
            "reason": f"made up: {kind} {event}.",
        }
        record = Signal(kind, event, symbol, **{**defaults, **fields})
        self._producer.produce(self._topics.signals, record.to_json(), symbol)
        return record

    def letter(self, reason: str, offset: int, symbol: str = "AAPL") -> DeadLetter:
        topic = self._topics.position(symbol)
        record = DeadLetter(topic, 0, offset, reason, "made up", datetime.now(UTC), b"x")
        self._producer.produce(self._topics.dead_letter, record.to_json(), symbol)
        return record

    def limits(self, symbol: str, **fields: Any) -> Limits:
        record = Limits(symbol, datetime.now(UTC), **fields)
        self._producer.produce(self._topics.limits, record.to_json(), symbol)
        return record

    def commit(self, symbol: str, **problem: str) -> None:
        """What the gatherer's group commits for partition 0 of a position; problem: what it says of it."""
        group, topic = f"{self.prefix}gatherer", self._topics.position(symbol)
        group_offsets.commit(self.servers, group, topic, 0, 0, group_offsets.told(**problem))

    def raw(self, value: bytes, symbol: str = "AAPL") -> None:
        self._producer.produce(self._topics.moving_average, value, symbol)

    def flush(self) -> None:
        assert self._producer.flush(20) == 0

    @contextmanager
    def flowing(self, symbols: tuple[str, ...] = POSITIONS, rate: float = 20.0) -> Iterator[set[str]]:
        """Prices and windows until the block ends; what is taken out of the yielded set falls silent."""
        alive, stop = set(symbols), threading.Event()

        def flow() -> None:
            for number in itertools.count():
                for symbol in sorted(alive):
                    self.price(symbol, 100 + number % 7)
                    self.window(symbol, 100 + number % 5)
                self._producer.poll(0)
                if stop.wait(1 / rate):
                    return

        thread = threading.Thread(target=flow)
        thread.start()
        try:
            yield alive
        finally:
            stop.set()
            thread.join()
            self.flush()


class App:
    """`python -m dashboard` as Marathon would start it."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**os.environ, "HOST": "127.0.0.1", "PORT0": str(self.port), **environment}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dashboard"], env=self._environment, stdout=log, stderr=log
            )
        wait_for(lambda: self.get("/health", quiet=True)[0] == 200)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(20)

    def get(self, path: str, *, quiet: bool = False, **headers: str) -> tuple[int, Any]:
        """Status and content (JSON where it is JSON); status 0 when nobody answers and `quiet`."""
        return self.ask("GET", path, quiet=quiet, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        quiet: bool = False,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        given = {"X-Requested-By": "a test", "Content-Type": "application/json"} if method != "GET" else {}
        given = {**given, **(headers or {})}
        request = urllib.request.Request(self.url + path, data=data, headers=given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, body = error.code, error.read()
        except NO_ANSWER:
            if quiet:
                return 0, None
            raise
        try:
            return status, json.loads(body)
        except ValueError:
            return status, body.decode()

    def said(self) -> str:
        return self._log.read_text()


def new_feeder(kafka: Any) -> Feeder:
    """A writer into fresh topics."""
    prefix = f"dashboard{next(_NUMBERS)}."
    topics = Topics(prefix)
    kafka.create(topics.moving_average, topics.signals, topics.dead_letter, topics.limits)
    kafka.create(*map(topics.position, POSITIONS))
    return Feeder(kafka.bootstrap_servers, prefix)


@contextmanager
def dashboards(kafka: Any, folder: Path) -> Iterator[Callable[..., App]]:
    """Starts dashboards that read `prefix`; further settings are environment variables."""
    started: list[App] = []

    def make(prefix: str, **environment: str) -> App:
        defaults = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOPIC_PREFIX": prefix,
            "POSITIONS": ",".join(POSITIONS),
            "JOB_NAME": f"{prefix}gatherer",
            "SIGNALS": json.dumps(SIGNALS),
            "DASHBOARD_FRESH_SECONDS": str(FRESH_SECONDS),
        }
        app = App({**defaults, **environment}, folder / f"dashboard-{len(started)}.log")
        started.append(app)
        app.start()
        return app

    try:
        yield make
    finally:
        for app in started:
            app.kill()


@pytest.fixture
def feeder(kafka: Any) -> Feeder:
    return new_feeder(kafka)


@pytest.fixture
def make_app(kafka: Any, tmp_path: Path) -> Iterator[Callable[..., App]]:
    with dashboards(kafka, tmp_path) as make:
        yield make


@pytest.fixture
def app(make_app: Callable[..., App], feeder: Feeder) -> App:
    """A dashboard that reads what the feeder writes."""
    return make_app(feeder.prefix)


@pytest.fixture(scope="module")
def shared_app(kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A dashboard on topics without records, for tests that change nothing."""
    with dashboards(kafka, tmp_path_factory.mktemp("dashboard")) as make:
        yield make(new_feeder(kafka).prefix)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of a store, which flows of a page read."""
    return tmp_path / "store"
