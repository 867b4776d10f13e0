"""Outages that last: what `pipectl status` says meanwhile, and how soon data flow again.

A home on file systems of its own, which are small, lets a disk be full. Only root may mount them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_dcos.home import Home
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Pipectl
from tests.e2e.freshness import Reader
from tests.gatherer.flink import wait_until

FRESH_SECONDS = 5.0
HOME_MB, KAFKA_MB, FLINK_MB = 192, 384, 96
_LEFT_BYTES = 4096
"""A disk is full when no more than this is free."""


@contextmanager
def small_disks(home: Path) -> Iterator[None]:
    """Mount small file systems for a new home: for Kafka's data, for Flink's state, and for the rest."""
    folders = {home: HOME_MB, home / "cluster" / "kafka": KAFKA_MB, home / "flink": FLINK_MB}
    with ExitStack() as stack:
        for folder, size in folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            _mount("-t", "tmpfs", "-o", f"size={size}m,mode=700", "tmpfs", str(folder))
            stack.callback(_unmount, folder)
        yield


def _mount(*args: str) -> None:
    subprocess.run(["mount", *args], check=True)  # noqa: S607


def _unmount(folder: Path) -> None:
    # Lazily: a process that ends may still hold a file.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


class Site:
    """A deployed bundle, and what can happen to it."""

    def __init__(self, user: Pipectl) -> None:
        self.user = user
        self.home = user.home
        self.cluster = Cluster(Home(user.home / "cluster"))

    @contextmanager
    def frozen(self, component: str) -> Iterator[None]:
        """A component and what it started stand still."""
        processes = [psutil.Process(pid) for pid in self.cluster.victims(component)]
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
    def away(self, app: str) -> Iterator[None]:
        """An app has no instance."""
        self.cluster.scale(app, 0)
        try:
            wait_until(lambda: self.cluster.task(app) is None, f"no task of {app}")
            yield
        finally:
            self.cluster.scale(app, 1)

    @contextmanager
    def full(self, folder: str) -> Iterator[None]:
        """The file system of a folder of the home has no space left; what becomes free is taken, too."""
        filler = self.home / folder / "filler"
        try:
            with filler.open("wb", buffering=0) as file:
                while (free := _free_bytes(filler)) > _LEFT_BYTES:
                    file.write(bytes(min(free, 2**20)))
            yield
        finally:
            filler.unlink(missing_ok=True)

    @contextmanager
    def read_only(self, folder: str) -> Iterator[None]:
        """An empty file system that takes nothing hides a folder of the home."""
        where = self.home / folder
        _mount("-t", "tmpfs", "-o", "ro", "tmpfs", str(where))
        try:
            yield
        finally:
            _unmount(where)


def _free_bytes(file: Path) -> int:
    found = os.statvfs(file)
    return found.f_bavail * found.f_frsize


@dataclass(frozen=True)
class Outage:
    """seconds: how long it lasts. said: what `pipectl status` must print at some time in it, a pattern."""

    name: str
    seconds: float
    said: str
    hold: Callable[[Site], AbstractContextManager[None]]


OUTAGES = (
    Outage("broker away", 120, r"^kafka\s+package\s+(?!healthy)", lambda site: site.away("kafka")),
    Outage("broker frozen", 30, r"positions: ", lambda site: site.frozen("broker")),
    Outage(
        "TaskManager frozen", 40, r"^gatherer\s+app\s+(?!healthy)", lambda site: site.frozen("taskmanager")
    ),
    Outage("JobManager frozen", 40, r"^gatherer\s+app\s+(?!healthy)", lambda site: site.frozen("jobmanager")),
    Outage("disk full under Kafka", 30, r"[Nn]o space left", lambda site: site.full("cluster/kafka")),
    Outage("disk full under checkpoints", 30, r"[Nn]o space left", lambda site: site.full("flink")),
    Outage("disk full under the agent", 30, r"[Nn]o space left", lambda site: site.full(".")),
    Outage("checkpoint store away", 30, r"[Rr]ead-only file system", lambda site: site.read_only("flink")),
)


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


def live_through(site: Site, outages: Sequence[Outage], patience: float = 240.0) -> Iterator[Course]:
    """Let each outage happen in turn, while all positions are fresh before it."""
    with Reader(site.cluster) as reader:
        for outage in outages:
            wait_until(
                lambda: reader.all_fresh(time.time() - FRESH_SECONDS, FRESH_SECONDS),
                f"fresh positions before: {outage.name}",
                patience,
            )
            began = time.monotonic()
            with outage.hold(site):
                said, last, seconds = _listen(site, outage, began)
                while time.monotonic() - began < outage.seconds:
                    time.sleep(0.1)
            over, over_at = time.monotonic(), time.time()
            fresh = None
            while fresh is None and time.monotonic() - over < patience:
                if reader.all_fresh(over_at, FRESH_SECONDS):
                    fresh = time.monotonic() - over
                time.sleep(0.1)
            yield Course(outage, said, seconds, fresh, last)


def _listen(site: Site, outage: Outage, began: float) -> tuple[str | None, str, float]:
    """Ask for the status until it says what it must, for as long as the outage lasts, 30 s at least."""
    while True:
        process = site.user.start("status")
        out, err = process.communicate(timeout=120)
        text = f"{out}{err}"
        seconds = time.monotonic() - began
        found = re.search(outage.said, text, re.MULTILINE)
        if found and process.returncode == 4:
            return next(line for line in text.splitlines() if re.search(outage.said, line)), text, seconds
        if seconds > max(outage.seconds, 30):
            return None, text, seconds
        time.sleep(0.5)
