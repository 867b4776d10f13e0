"""Measures how the job grows: with positions, panes a window, bytes a record, partitions, and slots.

    python bench/growth.py [--ticks 300000] [--rounds 2] [--only positions,panes,bytes,partitions,slots]

Each axis has its own tables, whose cases take turns. A case reads a prefilled topic with many symbols to its
end. Memory is the most of each Python process, state that of the largest checkpoint. Both hold what a job has
without positions, too, which counts when there are few of them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from broker import broker  # first: it lets the next ones be found
from client import ask, client
from results import Table, report
from ticks import create

from gatherer.settings import Settings

PREFIX = "growth."
OURS = "movingaverage", "signals", "dead_letter", "limits"
WINDOWS = "10s=1s,1m=5s"
# 5,000 positions share the ticks, so each has them for a minute: long enough for these windows to be full.
SHORT_WINDOWS = "10s=1s,30s=5s"


@dataclass(frozen=True)
class Case:
    """padding: bytes of a field that nobody reads. spacing_ms: between two ticks of a position."""

    name: str
    positions: int
    windows: str = WINDOWS
    padding: int = 0
    spacing_ms: int = 1000
    slots: int = 1
    partitions: int = 4

    @property
    def topic(self) -> str:
        return f"growth.{self.positions}.{self.padding}.{self.spacing_ms}.{self.partitions}"


AXES: Mapping[str, tuple[Case, ...]] = {
    "positions": tuple(
        Case(f"{count:,} positions", count, windows=SHORT_WINDOWS) for count in (5, 500, 5000)
    ),
    "panes": tuple(
        Case(f"{panes} panes a window", 50, windows=f"{label}=1s")
        for label, panes in (("6s", 6), ("1m", 60), ("10m", 600))
    ),
    "bytes": tuple(
        Case(f"{70 + padding} bytes a record", 5, padding=padding, spacing_ms=5) for padding in (0, 200, 1000)
    ),
    "partitions": tuple(
        Case(f"{partitions:,} partitions", 500, partitions=partitions) for partitions in (10, 1000)
    ),
    "slots": tuple(Case(f"{slots} slots" if slots > 1 else "1 slot", 500, slots=slots) for slots in (1, 2)),
}


def preload(bootstrap_servers: str, case: Case, ticks: int) -> None:
    """Random walks in cents, all positions in turn."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "linger.ms": 50,
            "compression.type": "lz4",
            "enable.idempotence": True,
        }
    )
    draw, start = random.Random(1), datetime(2026, 1, 5, 9, tzinfo=UTC)  # noqa: S311
    symbols = [f"P{number}" for number in range(case.positions)]
    cents, padding = (
        dict.fromkeys(symbols, 50_000),
        f', "note": "{"x" * case.padding}"' if case.padding else "",
    )
    for number in range(ticks // case.positions):
        time_ms = timedelta(milliseconds=number * case.spacing_ms)
        ts = (start + time_ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for symbol in symbols:
            cents[symbol] += draw.choice((-1, 0, 1))
            value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {cents[symbol] / 100:.2f}{padding}}}'
            while True:
                with suppress(BufferError):
                    producer.produce(PREFIX + case.topic, value, key=symbol)
                    break
                producer.poll(1)
    assert producer.flush(120) == 0


@dataclass(frozen=True)
class Figures:
    """java, python: CPU of the TaskManager and of the Python processes, us a tick. memory: Python's, KB a
    position. state: bytes a position. checkpoint: of the largest state, milliseconds.
    """

    ticks_per_second: float
    java: float
    python: float
    memory: float
    state: float
    checkpoint: float


def measure_case(case: Case, ticks: int, taskmanager: psutil.Process) -> Figures:
    """Run a job over the case's topic."""
    from gatherer.job import build, environment

    names = {
        "GATHERER_WINDOWS": case.windows,
        "GATHERER_INPUTS": json.dumps([{"topic": PREFIX + case.topic}]),
    }
    stream = environment().set_parallelism(case.slots)
    build(Settings.from_environ({**os.environ, **names}), stream, until_now=True)
    java = _cpu(taskmanager)
    job = str(stream.execute_async("growth").get_job_id())
    python: dict[int, tuple[float, int]] = {}  # the most of each: a process that ends holds nothing
    while (found := ask(f"/jobs/{job}"))["state"] != "FINISHED":
        assert found["state"] in ("CREATED", "RUNNING"), found["state"]
        for child in taskmanager.children(recursive=True):
            with suppress(psutil.Error):
                used, held = python.get(child.pid, (0.0, 0))
                python[child.pid] = max(used, _cpu(child)), max(held, child.memory_full_info().uss)
        time.sleep(0.2)
    others = [vertex["id"] for vertex in found["vertices"] if not vertex["name"].startswith("Source")]
    subtasks = [each for vertex in others for each in ask(f"/jobs/{job}/vertices/{vertex}")["subtasks"]]
    seconds = max(each["status-duration"]["RUNNING"] for each in subtasks) / 1000
    completed = [each for each in ask(f"/jobs/{job}/checkpoints")["history"] if each["status"] == "COMPLETED"]
    largest = max(completed, key=lambda each: each["state_size"])
    return Figures(
        ticks_per_second=ticks / seconds,
        java=1e6 * (_cpu(taskmanager) - java) / ticks,
        python=1e6 * sum(used for used, _ in python.values()) / ticks,
        memory=sum(memory for _, memory in python.values()) / 1024 / case.positions,
        state=largest["state_size"] / case.positions,
        checkpoint=largest["end_to_end_duration"],
    )


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


def measure(args: argparse.Namespace) -> None:
    """Runs in the client process."""
    taskmanager = psutil.Process(int(os.environ["TASKMANAGER_PID"]))
    measure_case(AXES["bytes"][0], args.ticks, taskmanager)  # warms up
    tables = []
    for axis in args.only.split(","):
        figures: dict[str, list[Figures]] = {case.name: [] for case in AXES[axis]}
        for _ in range(args.rounds):
            for case in AXES[axis]:
                figures[case.name].append(measure_case(case, args.ticks, taskmanager))
                print(case.name, figures[case.name][-1], flush=True)
        tables += axis_tables(axis, figures)
    report(tables, args.json)


def axis_tables(axis: str, figures: Mapping[str, list[Figures]]) -> list[Table]:
    """A table for each kind of figure."""
    return [
        Table(
            f"{axis}-{name.replace('_', '-')}",
            title,
            unit,
            name != "ticks_per_second",
            {case: [getattr(each, name) for each in found] for case, found in figures.items()},
        )
        for name, title, unit in (
            ("ticks_per_second", "Ticks by the clock", "ticks/s"),
            ("java", "CPU of Java per tick", "us"),
            ("python", "CPU of Python per tick", "us"),
            ("memory", "Memory of Python for each position", "KB"),
            ("state", "State of each position", "bytes"),
            ("checkpoint", "Checkpoint with the most state", "ms"),
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ticks", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default=",".join(AXES), help="axes, with commas between them")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "kafka").mkdir()
        servers = stack.enter_context(broker(folder / "kafka")).bootstrap_servers
        cases = [AXES["bytes"][0], *(case for axis in args.only.split(",") for case in AXES[axis])]
        inputs = {case.topic: case for case in cases}
        create(servers, *(PREFIX + topic for topic in OURS))
        for topic, case in inputs.items():
            create(servers, PREFIX + topic, partitions=case.partitions)
            preload(servers, case, args.ticks)
        environ = client(stack, folder, servers, PREFIX)
        argv = [__file__, "--measure", "--ticks", str(args.ticks), "--rounds", str(args.rounds)]
        argv += ["--only", args.only, *(["--json", str(args.json.absolute())] if args.json else [])]
        subprocess.run([sys.executable, *argv], env=environ, check=True)


if __name__ == "__main__":
    main()
