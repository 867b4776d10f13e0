"""What the processes of a bundle use over time, at a steady rate, and whether that is bounded."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import psutil

from jvm.java import java_home
from tests.e2e.conftest import Pipectl

KINDS = ("MB", "threads", "files")
_JCMD_SECONDS, _STATUS_SECONDS = 300.0, 900.0
"""A machine may be so busy that it takes minutes."""
_WORDS = {
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
# Bounds for what is used in the last quarter beyond the second; the first quarter is the warm-up. A JVM takes
# its heap bit by bit, up to the maximum; whether its objects become more is seen after a collection.
MEMORY_MB, MEMORY_PART = 48.0, 0.10
MOST_MORE = 15
"""Threads or files."""
OTHER_MB = 16.0
DATA_MB, DATA_PART = 2.0, 0.5
"""Kafka's data grow at a steady rate until they are older than the retention."""
LAG_SECONDS = 30.0


@dataclass
class Samples:
    """seconds: of each sample, since the first. used: by kind and process, a value for each sample, as far as
    it lived. live_mb: of each JVM, after the first quarter and at the end. heap_mb: its maximum. disk_mb: of
    Kafka's data, and of all other files of the home. lag: ticks that the job has not read.
    """

    seconds: list[float] = field(default_factory=list)
    used: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    live_mb: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _JVMS})
    heap_mb: dict[str, float] = field(default_factory=dict)
    disk_mb: dict[str, list[float]] = field(default_factory=lambda: {KAFKA: [], OTHER: []})
    lag: list[int] = field(default_factory=list)

    def series(self) -> Iterator[tuple[str, str, list[float]]]:
        """Kind, process and values."""
        for kind, processes in self.used.items():
            for name, values in sorted(processes.items()):
                yield kind, name, values
        for name, values in self.live_mb.items():
            if values:
                yield LIVE, name, values
        for name, values in self.disk_mb.items():
            yield "MB on disk", name, values
        yield "ticks of lag", "all positions", [float(each) for each in self.lag]


def sample(user: Pipectl, minutes: float, every: float = 5.0) -> Samples:
    """Look at a deployed bundle for so long."""
    samples, began, measured = Samples(), time.monotonic(), False
    while (now := time.monotonic() - began) <= 60 * minutes:
        samples.seconds.append(now)
        if now >= 15 * minutes and not measured:
            measured = True
            _measure_heaps(user, samples)
        for process in user.processes():
            with suppress(psutil.Error):
                command = " ".join(process.cmdline())
                name = next((name for name, words in _WORDS.items() if words in command), None)
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
        time.sleep(max(0.0, every - (time.monotonic() - began - now)))
    _measure_heaps(user, samples)
    return samples


def _measure_heaps(user: Pipectl, samples: Samples) -> None:
    """Collect each JVM's garbage, and note what is left."""
    for process in user.processes():
        command = process.cmdline()
        name = next((name for name in _JVMS if _WORDS[name] in " ".join(command)), None)
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
    return fmean(last) / max(1.0, fmean(second)) - 1


def faults(samples: Samples, ticks_per_second: float) -> list[str]:
    """What is not bounded, in words. ticks_per_second: of all positions together."""
    found = [
        _fault(*each, samples.heap_mb.get(each[1], 0.0))
        for each in samples.series()
        if each[0] != "ticks of lag"
    ]
    most = LAG_SECONDS * ticks_per_second
    if (highest := max(samples.lag[len(samples.lag) // 4 :])) > most:
        found.append(f"lag: {highest:,} ticks, bound {most:,.0f}")
    return [fault for fault in found if fault]


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
        more = fmean(last) - fmean(second)
        used = fmean(second)
        bound = OTHER_MB if name == OTHER else max(MEMORY_MB, MEMORY_PART * used, heap_mb + MEMORY_MB - used)
    return f"{kind} of {name}: {more:,.0f} more at the end, bound {bound:,.0f}" if more > bound else None
