"""Outages that last: what `pipectl status` says meanwhile, and how soon data flow again.

A home on small disks of its own lets each of them be full.
"""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_dcos.home import Home
from tests.disks import full, read_only, small_disk
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Pipectl
from tests.e2e.freshness import Reader
from tests.e2e.stored import Sink, servers_of
from tests.gatherer.flink import wait_until
from tests.gatherer.slow_broker import SlowBroker
from tests.ports import free_ports

FRESH_SECONDS = 5.0
# The job starts again, perhaps on a busy machine.
RESTART_SECONDS = 300.0
HOME_MB, KAFKA_MB, FLINK_MB = 192, 384, 96


@contextmanager
def small_disks(home: Path) -> Iterator[None]:
    """Small disks for a new home: for Kafka's data, for Flink's state, and for the rest."""
    with (
        small_disk(home, HOME_MB),
        small_disk(home / "cluster" / "kafka", KAFKA_MB),
        small_disk(home / "flink", FLINK_MB),
    ):
        yield


class Site:
    """A deployed bundle, and what can happen to it."""

    def __init__(self, user: Pipectl) -> None:
        self.user = user
        self.home = user.home
        self.cluster = Cluster(Home(user.home / "cluster"))
        self._network: SlowBroker | None = None
        self.generator: subprocess.Popen[bytes] | None = None
        """One with a clock of its own."""

    @contextmanager
    def frozen(self, *components: str) -> Iterator[None]:
        """Components and what they started stand still."""
        processes = [psutil.Process(pid) for each in components for pid in self.cluster.victims(each)]
        processes += [child for each in processes for child in each.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                if process.is_running():
                    os.kill(process.pid, signal.SIGCONT)

    @contextmanager
    def away_at_a_restart(self) -> Iterator[None]:
        """There is no broker, and the job starts again."""
        with self.away("kafka"):
            self.cluster.kill("taskmanager")
            yield

    @contextmanager
    def away(self, app: str) -> Iterator[None]:
        """An app has no instance."""
        self.cluster.scale(app, 0)
        try:
            wait_until(lambda: self.cluster.task(app) is None, f"no task of {app}")
            yield
        finally:
            self.cluster.scale(app, 1)

    @contextmanager
    def with_network(self) -> Iterator[None]:
        """The job reaches the broker by a network that can be slow or cut for the TaskManager."""
        servers, [port] = self.cluster.bootstrap_servers, free_ports(1)
        address = f"127.0.0.1:{port}"
        with SlowBroker(servers, address, concerns=self._is_of_the_taskmanager) as network:
            try:
                self.cluster.set_variable("gatherer", "KAFKA_BOOTSTRAP_SERVERS", address)
                wait_until(lambda: network.passed_bytes, "ticks that come by the network", RESTART_SECONDS)
                self._network = network
                yield
            finally:
                self._network = None
                self.cluster.set_variable("gatherer", "KAFKA_BOOTSTRAP_SERVERS", servers)
                wait_until(lambda: not network.connections, "a job without the network", RESTART_SECONDS)

    @contextmanager
    def network_is(self, *, lag_seconds: float = 0.0, cut: bool = False) -> Iterator[None]:
        """The network, which must be there, is slow or cut."""
        network = self._network
        assert network is not None
        held_before = network.held_messages
        network.lag_seconds, network.cut = lag_seconds, cut
        try:
            yield
            assert network.held_messages > held_before, "the network held nothing back"
        finally:
            network.lag_seconds, network.cut = 0.0, False

    def _is_of_the_taskmanager(self, port: int) -> bool:
        with suppress(psutil.Error):
            process = psutil.Process(self.cluster.pid("flink-taskmanager"))
            for each in (process, *process.children(recursive=True)):
                if any(own.laddr.port == port for own in each.net_connections("tcp")):
                    return True
        return False


def _nothing(site: Site) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True)
class Outage:
    """seconds: how long it lasts. said: what `pipectl status` must print at some time in it, a pattern; None
    if data must go on flowing. code: the exit code of `status` then; None for any. amid: what must be there
    before, meanwhile, and until data flow again.
    """

    name: str
    seconds: float
    said: str | None
    hold: Callable[[Site], AbstractContextManager[None]]
    code: int | None = 4
    amid: Callable[[Site], AbstractContextManager[None]] = _nothing


_NOT_HEALTHY = r"^gatherer\s+app\s+(?!healthy)\S"
_UNEXPLAINED = "no new windows, though every component is healthy"
_NO_SPACE = "[Nn]o space left"
OUTAGES = (
    Outage("broker away", 120, r"^kafka\s+package\s+(?!healthy)\S", lambda site: site.away("kafka")),
    # Longer than a TaskManager takes to start, and than Kafka's clients wait by themselves.
    Outage("broker away at a restart", 150, _NOT_HEALTHY, lambda site: site.away_at_a_restart()),
    Outage("broker frozen", 30, "^positions: ", lambda site: site.frozen("broker")),
    Outage("TaskManager frozen", 40, _NOT_HEALTHY, lambda site: site.frozen("taskmanager")),
    Outage("JobManager frozen", 40, _NOT_HEALTHY, lambda site: site.frozen("jobmanager")),
    Outage(
        "disk full under Kafka", 30, "waiting for space", lambda site: full(site.home / "cluster" / "kafka")
    ),
    Outage("disk full under checkpoints", 30, _NO_SPACE, lambda site: full(site.home / "flink")),
    Outage("disk full under the agent", 30, None, lambda site: full(site.home), code=0),
    # The last failure of the job says why, or the job waits for its state.
    Outage(
        "checkpoint store away",
        30,
        "Read-only file system|mount or restore the store",
        lambda site: read_only(site.home / "flink"),
    ),
    # Longer than a position counts as fresh without new windows.
    Outage("network cut", 90, _UNEXPLAINED, lambda site: site.network_is(cut=True), amid=Site.with_network),
    Outage(
        "network slow",
        60,
        None,
        lambda site: site.network_is(lag_seconds=1.0),
        code=None,
        amid=Site.with_network,
    ),
)


def outages_of(store: str) -> Iterator[Outage]:
    """The store of a standing sink hangs, and is away for longer than the sink waits."""
    said = rf"^sink-to-{store}\s+app\s+(?!healthy)\S.* (does not answer|has not finished a request)"
    yield Outage(f"{store} frozen", 50, said, lambda site: site.frozen(*servers_of(store)))
    yield Outage(f"{store} away", 90, said, lambda site: site.away(store))


@dataclass(frozen=True)
class Course:
    """How an outage went. said: the line of `pipectl status`, None when it did not say what it must.
    said_after, fresh_after: seconds after its begin and after its end; fresh_after is None if the data did
    not flow again in time. last: all that `pipectl status` printed at last.
    """

    outage: Outage
    said: str | None
    said_after: float
    fresh_after: float | None
    last: str


def live_through(
    site: Site,
    outages: Iterable[Outage],
    patience: float = 240.0,
    fresh_seconds: float = FRESH_SECONDS,
    sinks: Sequence[Sink] = (),
) -> Iterator[Course]:
    """Let each outage happen in turn, while all is healthy and all positions are fresh before it.

    fresh_seconds: up to which age a window counts as fresh. sinks: their stores must be fresh too.
    """
    with Reader(site.cluster) as reader:

        def all_fresh(after: float) -> bool:
            return reader.all_fresh(after, fresh_seconds) and all(each.fresh(after) for each in sinks)

        for outage in outages:
            with outage.amid(site):
                wait_until(
                    lambda: all_fresh(time.time() - fresh_seconds),
                    f"fresh positions before: {outage.name}",
                    patience,
                )
                # What is left of the last outage must not count as said of this one.
                wait_until(
                    lambda: site.user.run("status", code=None).returncode == 0,
                    f"a healthy status before: {outage.name}",
                    patience,
                )
                began, began_at = time.monotonic(), time.time()
                with outage.hold(site):
                    said, last, seconds = _listen(site, outage, began)
                    while time.monotonic() - began < outage.seconds:
                        time.sleep(0.1)
                    if outage.said is None and not reader.all_fresh(began_at, math.inf):
                        said = None  # no window of this time has come
                over, over_at = time.monotonic(), time.time()
                fresh = None
                while fresh is None and time.monotonic() - over < patience:
                    if all_fresh(over_at):
                        fresh = time.monotonic() - over
                    time.sleep(0.1)
                yield Course(outage, said, seconds, fresh, last)


def _listen(site: Site, outage: Outage, began: float) -> tuple[str | None, str, float]:
    """Ask for the status until it says what it must, for as long as the outage lasts, 30 s at least."""
    while outage.said is None and time.monotonic() - began < outage.seconds:
        time.sleep(0.1)
    while True:
        process = site.user.start("status")
        out, err = process.communicate(timeout=120)
        text = f"{out}{err}"
        seconds = time.monotonic() - began
        line = _line(outage, process.returncode, text)
        if line or outage.said is None or seconds > max(outage.seconds, 30):
            return line, text, seconds
        time.sleep(0.5)


def _line(outage: Outage, code: int, text: str) -> str | None:
    """The line of a status that says what it must."""
    if outage.code not in (None, code):
        return None
    if outage.said is None and code == 0:
        return "data flow"
    pattern = outage.said or _UNEXPLAINED
    return next((line for line in text.splitlines() if re.search(pattern, line)), None)
