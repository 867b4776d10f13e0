"""What the processes of a bundle use over time, at a steady rate."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import psutil

from tests.e2e.conftest import Pipectl

KINDS = ("MB", "threads", "files")
_WORDS = {
    "kafka": "kafka.Kafka",
    "jobmanager": "StandaloneSessionClusterEntrypoint",
    "taskmanager": "TaskManagerRunner",
    "worker": "pyflink.fn_execution",
    "generator": "data_generator",
    "submitter": "flink_scripts job",
    "dashboard": "dashboard",
    "kafka service": "local_dcos.kafka",
    "agent": "local_dcos serve",
}
"""What the command line of each process says, the first that fits counts."""


@dataclass
class Samples:
    """seconds: of each sample, since the first. used: by kind and process, a value for each sample, as far as
    it lived. disk_mb: all files of the home. lag: ticks that the job has not read, None when unknown.
    """

    seconds: list[float] = field(default_factory=list)
    used: dict[str, dict[str, list[float]]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    disk_mb: list[float] = field(default_factory=list)
    lag: list[int] = field(default_factory=list)

    def series(self) -> Iterator[tuple[str, str, list[float]]]:
        """Kind, process and values."""
        for kind, processes in self.used.items():
            for name, values in sorted(processes.items()):
                yield kind, name, values
        yield "MB on disk", "all files", self.disk_mb
        yield "ticks of lag", "all positions", [float(each) for each in self.lag]


def sample(user: Pipectl, minutes: float, every: float = 5.0) -> Samples:
    """Look at a deployed bundle for so long."""
    samples, began = Samples(), time.monotonic()
    while (now := time.monotonic() - began) <= 60 * minutes:
        samples.seconds.append(now)
        for process in user.processes():
            with suppress(psutil.Error):
                command = " ".join(process.cmdline())
                name = next((name for name, words in _WORDS.items() if words in command), None)
                if name is None:
                    continue  # a helper that ends soon
                figures = (
                    process.memory_info().rss / 2**20,
                    float(process.num_threads()),
                    float(process.num_fds()),
                )
                for kind, figure in zip(KINDS, figures, strict=True):
                    samples.used[kind].setdefault(name, []).append(figure)
        samples.disk_mb.append(_disk_bytes(user.home) / 2**20)
        status = user.json("status", code=None)
        samples.lag.append(sum(each["lag"] or 0 for each in status["positions"]))
        time.sleep(max(0.0, every - (time.monotonic() - began - now)))
    return samples


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
