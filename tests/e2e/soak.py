"""What the processes of a bundle use over time, at a steady rate, and whether that is bounded."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from confluent_kafka import TopicPartition

from jvm.java import java_home
from kafka_topic.brokers import Brokers
from kafka_topic.names import Topics
from local_dcos.home import Home
from local_dcos.sandbox import older, tail
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import Pipectl
from tests.gatherer.flink import wait_until

KINDS = ("MB", "threads", "files")
_JCMD_SECONDS, _STATUS_SECONDS = 300.0, 900.0
"""A machine may be so busy that it takes minutes."""
PROCESSES = {
    "kafka": "kafka.Kafka",
    "jobmanager": "StandaloneSessionClusterEntrypoint",
    "taskmanager": "TaskManagerRunner",
    "worker": "gatherer.worker",
    "generator": "data_generator",
    "submitter": "flink_scripts job",
    "dashboard": "dashboard",
    "kafka service": "local_dcos.kafka",
    "agent": "local_dcos serve",
}
"""What the command line of each process says, the first that fits counts."""

_JVMS = ("kafka", "jobmanager", "taskmanager")
LIVE, LIVE_MB, LIVE_PART = "live MB", 16.0, 0.10
"""What a JVM's objects take after a full collection, and by how much that may grow."""
KAFKA, OTHER = "Kafka's data", "all other files"
DISK, LAG = "MB on disk", "ticks of lag"
# Bounds for what is used in the last quarter beyond the second; the first quarter is the warm-up. Medians
# count, so that no single sample decides. A JVM takes its heap bit by bit, up to the maximum; whether its
# objects become more is seen after a collection.
MEMORY_MB, MEMORY_PART = 48.0, 0.10
MOST_MORE = 15
"""Threads or files."""
OTHER_MB = 16.0
DATA_MB, DATA_PART = 2.0, 0.5
"""Kafka's data grow at a steady rate until they are older than the retention."""
LAG_SECONDS = 30.0
MEMORY_MINUTES = 1.0
"""What has just started takes memory for longer than a shorter run."""
RETENTION_SECONDS = 20
TURNOVER = (
    f"topics.retention={{prices: {RETENTION_SECONDS}s, movingaverage: {RETENTION_SECONDS}s}}",
    "topics.allow_retention_decrease=true",
    "kafka.options={kafka: {log_retention_check_interval_ms: 1000, log_segment_delete_delay_ms: 1000}}",
)
"""Settings of a bundle whose records grow old within a short run."""
HELD_SECONDS = 2 * RETENTION_SECONDS + 30.0
"""A segment holds the records of one retention, and is deleted when the last of them is that old. The broker
of a busy machine may be late."""
_TALKER = "/soak-talker"
# A megabyte a second. Each ends in a line with the number of those before.
_TALK = """
import itertools, time
for number in itertools.count(1):
    print("x" * 1_048_000, number, sep="\\n", flush=True)
    time.sleep(1)
"""


@dataclass
class Samples:
    """seconds: of each sample, since the first. used: by kind and process, a value for each sample, as far as
    it lived. live_mb: of each JVM, after the first quarter and at the end. heap_mb: its maximum. disk_mb: of
    Kafka's data, and of all other files of the home. lag: ticks that the job has not read. held, deleted:
    ticks in the topics, and those that Kafka has deleted. logged_mb, kept_mb: what the talker has written,
    and how much of it is there.
    """

    seconds: list[float] = field(default_factory=list)
    used: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    live_mb: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _JVMS})
    heap_mb: dict[str, float] = field(default_factory=dict)
    disk_mb: dict[str, list[float]] = field(default_factory=lambda: {KAFKA: [], OTHER: []})
    lag: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    logged_mb: float = 0.0
    kept_mb: float = 0.0

    def series(self) -> Iterator[tuple[str, str, list[float]]]:
        """Kind, process and values."""
        for kind, processes in self.used.items():
            for name, values in sorted(processes.items()):
                yield kind, name, values
        for name, values in self.live_mb.items():
            if values:
                yield LIVE, name, values
        for name, values in self.disk_mb.items():
            yield DISK, name, values
        for kind, ticks in ((LAG, self.lag), ("ticks held", self.held), ("ticks deleted", self.deleted)):
            yield kind, "all positions", [float(each) for each in ticks]


def sample(user: Pipectl, minutes: float, every: float = 5.0) -> Samples:
    """Look at a deployed bundle for so long."""
    samples, began, measured = Samples(), time.monotonic(), False
    cluster = Cluster(Home(user.home / "cluster"))
    brokers, topics = Brokers(cluster.bootstrap_servers, timeout=60), Topics(cluster.prefix)
    prices = [TopicPartition(topics.position(each), 0) for each in cluster.positions]
    while (now := time.monotonic() - began) <= 60 * minutes:
        samples.seconds.append(now)
        if now >= 15 * minutes and not measured:
            measured = True
            _measure_heaps(user, samples)
        for process in user.processes():
            with suppress(psutil.Error):
                command = " ".join(process.cmdline())
                name = next((name for name, words in PROCESSES.items() if words in command), None)
                if name is None:
                    continue  # a helper that ends soon
                memory = process.memory_info()
                figures = (
                    # Pages of mapped files belong to the machine's cache: Kafka maps the indexes of its logs.
                    (memory.rss - memory.shared) / 2**20,
                    float(process.num_threads()),
                    float(process.num_fds()),
                )
                for kind, figure in zip(KINDS, figures, strict=True):
                    samples.used[kind].setdefault(name, []).append(figure)
        data = _disk_bytes(user.home / "cluster" / "kafka")
        samples.disk_mb[KAFKA].append(data / 2**20)
        samples.disk_mb[OTHER].append((_disk_bytes(user.home) - data) / 2**20)
        status = user.json("status", code=None, timeout=_STATUS_SECONDS)
        samples.lag.append(sum(each["lag"] or 0 for each in status["positions"]))
        spans = brokers.spans(prices)[0].values()
        samples.held.append(sum(each.end - each.begin for each in spans))
        samples.deleted.append(sum(each.begin for each in spans))
        time.sleep(max(0.0, every - (time.monotonic() - began - now)))
    _measure_heaps(user, samples)
    if (task := cluster.task(_TALKER.strip("/"))) is not None:
        log = cluster.home.path / "sandboxes" / task["id"] / "stdout"
        logs = [each for each in (older(log), log) if each.exists()]
        samples.kept_mb = sum(each.stat().st_size for each in logs) / 2**20
        samples.logged_mb = max(float(line) for each in logs for line in tail(each, 3) if line.isdigit())
    return samples


@contextmanager
def talker(user: Pipectl) -> Iterator[None]:
    """An app of the cluster writes a megabyte a second to its log."""
    cluster = Cluster(Home(user.home / "cluster"))
    app = {"id": _TALKER, "args": [sys.executable, "-c", _TALK], "cpus": 0.1, "mem": 32}
    cluster.marathon("POST", "apps", app)
    try:
        wait_until(lambda: cluster.task(_TALKER.strip("/")), "the app that writes a log")
        yield
    finally:
        cluster.marathon("DELETE", f"apps{_TALKER}?force=true")


def _measure_heaps(user: Pipectl, samples: Samples) -> None:
    """Collect each JVM's garbage, and note what is left."""
    for process in user.processes():
        command = process.cmdline()
        name = next((name for name in _JVMS if PROCESSES[name] in " ".join(command)), None)
        if name is None:
            continue
        asked = [str(java_home() / "bin" / "jcmd"), str(process.pid), "GC.class_histogram"]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=_JCMD_SECONDS, check=True).stdout
        samples.live_mb[name].append(int(said.splitlines()[-1].split()[-1]) / 2**20)
        (most,) = (word for word in command if word.startswith("-Xmx"))
        samples.heap_mb[name] = float(most.removeprefix("-Xmx").removesuffix("m"))


def _disk_bytes(folder: Path) -> int:
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):  # it was removed while we looked
            if file.is_file():
                total += file.stat().st_blocks * 512
    return total


def quarters(values: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """The second and the last quarter: the first one warms up. Fewer than four values are both."""
    quarter = len(values) // 4
    return (values[quarter : 2 * quarter], values[-quarter:]) if quarter else (values, values)


def growth(values: Sequence[float]) -> float:
    """By which part the last quarter is above the second."""
    second, last = quarters(values)
    return median(last) / max(1.0, median(second)) - 1


def faults(
    samples: Samples, ticks_per_second: float, *, memory: bool = True, turnover: bool = False
) -> list[str]:
    """What is not bounded, in words.

    ticks_per_second: of all positions together. memory: whether memory and disk are judged, too. turnover:
    whether Kafka must delete records and a log be rotated, in a bundle with the settings `TURNOVER` and a
    `talker`.
    """
    judged = (*KINDS, LIVE, DISK) if memory else KINDS[1:]
    found = [
        _fault(*each, samples.heap_mb.get(each[1], 0.0)) for each in samples.series() if each[0] in judged
    ]
    found += [f"{name}: no process of it was seen" for name in PROCESSES if name not in samples.used["files"]]
    found.append(_too_many("lag", samples.lag, LAG_SECONDS * ticks_per_second))
    if turnover:
        found.append(_too_many("held by Kafka", samples.held, HELD_SECONDS * ticks_per_second))
        if samples.deleted[-1] <= samples.deleted[len(samples.deleted) // 4]:
            found.append("retention: Kafka deleted nothing")
        if samples.kept_mb >= samples.logged_mb:
            found.append(f"log: {samples.kept_mb:,.1f} MB of {samples.logged_mb:,.1f} MB are there")
    return [fault for fault in found if fault]


def _too_many(what: str, ticks: Sequence[int], most: float) -> str | None:
    """ticks: in each sample; those of the first quarter do not count."""
    highest = max(ticks[len(ticks) // 4 :])
    return f"{what}: {highest:,} ticks, bound {most:,.0f}" if highest > most else None


def _fault(kind: str, name: str, values: Sequence[float], heap_mb: float) -> str | None:
    second, last = quarters(values)
    if kind == LIVE:
        more, bound = values[-1] - values[0], max(LIVE_MB, LIVE_PART * values[0])
    elif name == KAFKA:
        grown = second[-1] - second[0]
        more, bound = last[-1] - last[0] - grown, max(DATA_MB, DATA_PART * grown)
    elif kind in KINDS[1:]:
        more, bound = max(last) - min(second), MOST_MORE
    else:
        used = median(second)
        more = median(last) - used
        bound = OTHER_MB if name == OTHER else max(MEMORY_MB, MEMORY_PART * used, heap_mb + MEMORY_MB - used)
    return f"{kind} of {name}: {more:,.0f} more at the end, bound {bound:,.0f}" if more > bound else None
