"""A real Flink run by our own entry points, topics on the real broker, and an exact recomputation."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import random
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_ports

TIME_FORMAT = "%Y-%m-%d %H:%M:%S.%f"
PATIENCE = 90.0


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of a session of its own, and what it started: a TaskManager has Python workers."""
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Flink:
    """One JobManager and TaskManagers on fixed ports, so that each can be killed and return."""

    def __init__(self, folder: Path, slots: int = 4) -> None:
        self.folder = folder
        rpc, rest, task_rpc, task_data = free_ports(4)
        self.environ = {
            **os.environ,
            "HOST": "127.0.0.1",
            "FLINK_JOBMANAGER_RPC": f"127.0.0.1:{rpc}",
            "FLINK_JOBMANAGER_REST": f"127.0.0.1:{rest}",
            "FLINK_STATE": f"file://{folder}/the state",
        }
        self._roles = {
            "jobmanager": {"PORT_RPC": rpc, "PORT_REST": rest, "FLINK_MEMORY_MB": 1024},
            "taskmanager": {
                "PORT_RPC": task_rpc,
                "PORT_DATA": task_data,
                "FLINK_SLOTS": slots,
                "FLINK_MEMORY_MB": 1280 + 256 * slots,
            },
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, role: str, name: str = "", **environ: str) -> None:
        """Start a role; one more of it under a name of its own, on ports of its own."""
        values = {name: str(value) for name, value in self._roles[role].items()} | environ
        if name:
            values |= dict(zip(("PORT_RPC", "PORT_DATA"), map(str, free_ports(2)), strict=True))
        self._processes[name or role] = self.run(name or role, [role], values)

    def run(self, name: str, args: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
        return self._run_python(name, ["-m", "flink_scripts", *args], environ)

    def run_python(self, role: str, args: list[str], environ: dict[str, str]) -> None:
        """Start a role by other means than `start`."""
        self._processes[role] = self._run_python(role, args, environ)

    def _run_python(self, name: str, args: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
        sandbox = self.folder / name
        sandbox.mkdir(parents=True, exist_ok=True)
        with (sandbox / "stdout").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *args],
                env={**self.environ, **environ, "MESOS_SANDBOX": str(sandbox)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self, role: str) -> None:
        _kill_group(self._processes.pop(role))

    def stop(self) -> None:
        for process in self._processes.values():
            _kill_group(process)

    def rest(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(
                f"http://{self.environ['FLINK_JOBMANAGER_REST']}{path}", timeout=5
            ) as answer:
                return json.load(answer)
        except OSError:
            return None


class App:
    """The gatherer app as Marathon runs it: the submit-and-watch process."""

    def __init__(self, flink: Flink, name: str, environ: dict[str, str]) -> None:
        self._flink, self.name = flink, name
        (port,) = free_ports(1)
        self._environ = {**environ, "JOB_NAME": name, "PORT0": str(port)}
        self._url = f"http://127.0.0.1:{port}/health"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> None:
        self._environ.update(environ)
        self.process = self._flink.run(self.name, ["job", "gatherer"], self._environ)

    def health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(self._url, timeout=5) as answer:
                return {**json.load(answer), "status": answer.status}
        except urllib.error.HTTPError as error:
            with error:
                return {**json.load(error), "status": error.code}
        except OSError:
            return {"healthy": False, "status": None, "reason": "no answer"}

    def until_healthy(self) -> None:
        def healthy() -> bool:
            assert self.process is not None and self.process.poll() is None, self.output()
            return bool(self.health()["healthy"])

        wait_until(healthy, f"{self.name} healthy; it says:\n{self.output()}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def output(self) -> str:
        return (self._flink.folder / self.name / "stdout").read_text()


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    flink = Flink(tmp_path_factory.mktemp("flink"))
    for role in ("jobmanager", "taskmanager"):
        flink.start(role)
    yield flink
    flink.stop()


@pytest.fixture
def own_flink(tmp_path: Path) -> Iterator[Callable[..., Flink]]:
    """Makes a Flink for one test alone, not yet started."""
    made: list[Flink] = []

    def make(**settings: Any) -> Flink:
        made.append(Flink(tmp_path / f"flink{len(made)}", **settings))
        return made[-1]

    yield make
    for flink in made:
        flink.stop()


@dataclass(frozen=True)
class Tick:
    """A usable raw record. `price` is in units of 1e-8."""

    time: datetime
    place: tuple[int, int]
    price: int


class Bundle:
    """The topics of one test behind a prefix of their own, and the app that reads and writes them."""

    def __init__(self, flink: Flink, bootstrap_servers: str, name: str) -> None:
        from confluent_kafka import Producer
        from confluent_kafka.admin import AdminClient

        self.prefix = f"{name}."
        self.bootstrap_servers = bootstrap_servers
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers})
        self.producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 5, "acks": "all"})
        environ = {"KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers, "TOPIC_PREFIX": self.prefix}
        environ |= {"FLINK_CHECKPOINT_SECONDS": "0.5", "GATHERER_DISCOVERY_SECONDS": "1"}
        self.app = App(flink, f"{name}.gatherer", environ)
        for topic in ("movingaverage", "signals", "dead_letter", "limits"):
            self.create(topic)

    wait_until = staticmethod(wait_until)

    def create(self, topic: str, partitions: int = 1, **config: str) -> None:
        from confluent_kafka.admin import NewTopic

        new = NewTopic(self.prefix + topic, partitions, 1, config=config)
        for future in self.admin.create_topics([new]).values():
            future.result(30)

    def send(self, symbol: str, value: bytes, partition: int = 0) -> None:
        self.producer.produce(f"{self.prefix}position.{symbol}", value, key=symbol, partition=partition)
        self.producer.poll(0)

    def tick(self, symbol: str, when: datetime, price: str, partition: int = 0) -> None:
        ts = when.strftime(TIME_FORMAT)[:-3]
        self.send(symbol, f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {price}}}'.encode(), partition)

    def flush(self) -> None:
        assert self.producer.flush(30) == 0

    def records(self, topic: str) -> list[Any]:
        """All committed records of a topic as they are."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "group.id": "oracle",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            name = self.prefix + topic
            open_partitions = set(consumer.list_topics(name, timeout=30).topics[name].partitions)
            consumer.assign([TopicPartition(name, partition, 0) for partition in open_partitions])
            found = []
            while open_partitions:
                message = consumer.poll(30)
                assert message is not None, f"no answer for {name}"
                if message.error() is None:
                    found.append(message)
                else:
                    open_partitions.discard(message.partition())
            return found
        finally:
            consumer.close()

    def ticks(self, symbol: str) -> list[Tick]:
        """The usable raw records of a position: whatever is not is left out, by rules written anew here."""
        found = []
        for message in self.records(f"position.{symbol}"):
            try:
                record = json.loads(message.value(), parse_float=Decimal, parse_int=Decimal)
                moment = datetime.strptime(record["ts"], TIME_FORMAT).replace(tzinfo=UTC)
                written = datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC)
                timely = datetime(2000, 1, 1, tzinfo=UTC) <= moment <= written + timedelta(minutes=1)
                price = record["price"]
                if (
                    record["symbol"] == symbol
                    and timely
                    and isinstance(price, Decimal)
                    and Decimal("1e-8") <= price < Decimal("999999999.999999995")
                ):
                    found.append(Tick(moment, (message.offset(), message.partition()), int(price * 10**8)))
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def averages(self) -> list[dict[str, Any]]:
        found = self.records("movingaverage")
        assert all(json.loads(message.value())["symbol"].encode() == message.key() for message in found)
        return [json.loads(message.value()) for message in found]

    def verify(self, symbols: list[str], until: datetime, *, since: dict[str, datetime] | None = None) -> int:
        """Wait for all windows ending at or before `until`, stop the job, compare every window; their number.

        since: symbols whose windows are due only from that window end on.
        """
        expected = {}
        for symbol in symbols:
            first = (since or {}).get(symbol, datetime.min.replace(tzinfo=UTC))
            ticks = self.ticks(symbol)
            for label, size, slide in WINDOWS:
                for end, inside in windows(ticks, size, slide).items():
                    if first <= end <= until:
                        expected[symbol, label, end] = inside, realized(ticks, end, size)
        missing = dict(expected)

        def all_there() -> bool:
            for record in self.averages():
                missing.pop(_key(record), None)
            return not missing

        deadline = time.monotonic() + PATIENCE
        while not all_there():
            assert time.monotonic() < deadline, (
                f"{len(missing)} of {len(expected)} windows: {sorted(missing)[:5]}"
            )
            time.sleep(0.2)
        assert self.app.stop() == 0, self.app.output()
        seen = set()
        for record in self.averages():
            key = _key(record)
            assert key not in seen, f"{key} came twice"
            seen.add(key)
            unasked = record["symbol"] not in symbols or record["symbol"] in (since or {})
            if (unasked and key not in expected) or key[2] > until:
                continue
            compare(record, *expected[key])
        return len(expected)


# The defaults: label, length and slide in seconds.
WINDOWS = (("10s", 10, 1), ("1m", 60, 5), ("10m", 600, 10))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _key(record: dict[str, Any]) -> tuple[str, str, datetime]:
    end = datetime.strptime(record["window_end"], TIME_FORMAT).replace(tzinfo=UTC)
    return record["symbol"], record["window"], end


def windows(ticks: list[Tick], size: int, slide: int) -> dict[datetime, list[Tick]]:
    """Each window of `size` seconds that slides by `slide` seconds and has ticks, by its end."""
    found: dict[datetime, list[Tick]] = defaultdict(list)
    for tick in ticks:
        first = (tick.time - _EPOCH) // timedelta(seconds=slide) + 1
        for number in range(size // slide):
            found[_EPOCH + timedelta(seconds=(first + number) * slide)].append(tick)
    return found


def realized(ticks: list[Tick], end: datetime, size: int) -> float | None:
    """The realized volatility from the last prices of the seconds that have ticks."""
    last: dict[int, Tick] = {}
    for tick in ticks:
        if tick.time < end:
            second = (tick.time - _EPOCH) // timedelta(seconds=1)
            last[second] = max(tick, last.get(second, tick), key=lambda each: (each.time, each.place))
    seconds = sorted(last)
    first = (end - _EPOCH) // timedelta(seconds=1) - size
    squares = [
        math.log(last[now].price / last[before].price) ** 2
        for before, now in itertools.pairwise(seconds)
        if now >= first
    ]
    return math.sqrt(math.fsum(squares)) if squares else None


def compare(record: dict[str, Any], ticks: list[Tick], volatility: float | None) -> None:
    """Check one record against exact arithmetic over the decimal prices."""
    n, unit = len(ticks), 10**8
    _, label, end = _key(record)
    (size,) = (size for known, size, _ in WINDOWS if known == label)
    prices = [tick.price for tick in ticks]
    latest = max(ticks, key=lambda tick: (tick.time, tick.place))
    total = sum(prices)
    assert record["window_start"] == (end - timedelta(seconds=size)).strftime(TIME_FORMAT)[:-3], record
    assert record["count"] == n, (record, n)
    assert record["min"] == float(Decimal(min(prices)) / unit), record
    assert record["max"] == float(Decimal(max(prices)) / unit), record
    assert record["last"] == float(Decimal(latest.price) / unit), (record, latest)
    median = statistics.median(map(Fraction, prices))
    mad = statistics.median(abs(price - median) for price in prices)
    assert record["median"] == float(median / unit), record
    assert record["mad"] == pytest.approx(1.4826 * float(mad / unit), rel=1e-12, abs=0), record
    wanted = None if volatility is None else pytest.approx(volatility, rel=1e-9, abs=1e-15)
    assert record["realized_vol"] == wanted, record
    with localcontext(prec=60):
        mean = Decimal(total) / n / unit
        assert abs(Decimal(record["mean"]) / mean - 1) < Decimal("1e-9"), (record, mean)
        if n == 1:
            assert record["stddev"] is None and record["cv"] is None, record
            assert record["bollinger_upper"] is None and record["bollinger_lower"] is None, record
            return
        squares = n * sum(price * price for price in prices) - total * total
        stddev = (Decimal(squares) / (n * (n - 1))).sqrt() / unit
        for name, sign in (("bollinger_upper", 1), ("bollinger_lower", -1)):
            assert abs(Decimal(record[name]) - (mean + sign * 2 * stddev)) < mean * Decimal("1e-12"), record
        if stddev == 0:
            assert record["stddev"] == 0 and record["cv"] == 0, record
            return
        assert abs(Decimal(record["stddev"]) / stddev - 1) < Decimal("1e-9"), (record, stddev)
        assert abs(Decimal(record["cv"]) / (100 * stddev / mean) - 1) < Decimal("1e-9"), record


@pytest.fixture
def bundle_on(kafka: Any, request: pytest.FixtureRequest) -> Iterator[Callable[[Flink], Bundle]]:
    """Makes the test's bundle on a Flink."""
    made: list[Bundle] = []

    def make(flink: Flink) -> Bundle:
        name = request.node.name.removeprefix("test_").translate(str.maketrans("_[", "--", "]"))
        made.append(Bundle(flink, kafka.bootstrap_servers, name))
        return made[-1]

    yield make
    for bundle in made:
        if bundle.app.process is not None and bundle.app.process.poll() is None:
            bundle.app.stop()


@pytest.fixture
def bundle(flink: Flink, bundle_on: Callable[[Flink], Bundle]) -> Bundle:
    return bundle_on(flink)


class Feed:
    """Live ticks in a thread: 20 a second for each symbol, event time = the clock."""

    def __init__(self, bundle: Bundle, symbols: list[str]) -> None:
        self._bundle, self._draw = bundle, random.Random(3)
        self._cents = dict.fromkeys(symbols, 100_000)
        self._held: dict[str, list[tuple[datetime, str]]] = {}
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        for symbol in symbols:
            bundle.create(f"position.{symbol}")
        self._thread.start()

    def add(self, symbol: str) -> None:
        self._bundle.create(f"position.{symbol}")
        self._cents = {**self._cents, symbol: 5_000}

    def remove(self, symbol: str) -> None:
        self._cents = {other: cents for other, cents in self._cents.items() if other != symbol}

    def hold(self, symbols: set[str]) -> None:
        """Keep the ticks of some symbols back; `release` sends them in order."""
        self._held = {symbol: [] for symbol in symbols}

    def release(self, symbol: str) -> None:
        with self._lock:
            for moment, price in self._held.pop(symbol):
                self._bundle.tick(symbol, moment, price)
        self._bundle.flush()

    def close(self) -> datetime:
        """End the feed with a tick 30 s ahead for each symbol; returns the last window end that is due."""
        self._end.set()
        self._thread.join()
        close = datetime.now(UTC) + timedelta(seconds=30)
        for symbol in self._cents:
            self._bundle.tick(symbol, close, "1.00")
        self._bundle.flush()
        return close - timedelta(seconds=1)

    def _run(self) -> None:
        while not self._end.wait(0.05):
            cents = self._cents
            for symbol in cents:
                cents[symbol] += self._draw.choice((-1, 0, 1))
                moment, price = datetime.now(UTC), f"{cents[symbol] / 100:.2f}"
                with self._lock:
                    if symbol in self._held:
                        self._held[symbol].append((moment, price))
                    else:
                        self._bundle.tick(symbol, moment, price)


@pytest.fixture
def feed_of() -> type[Feed]:
    return Feed


@pytest.fixture
def feed(bundle: Bundle) -> Feed:
    return Feed(bundle, ["AAPL", "AMZN", "GOOG"])
