"""Measures what a tick costs in the gatherer's job and in its peers, from prefilled topics.

    python bench/gatherer_throughput.py [--ticks 2000000] [--rounds 3] [--only gatherer,SQL,Spark]

Variants take turns, after one warm-up round; those on Flink run on the same one. Only their ratios can be
compared across machines. Without --bootstrap-servers, a broker is started as for the tests.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import flink_peers
import javac
import peer_process
import psutil
from broker import broker
from client import ask, client
from results import Table, report
from ticks import PREFIX, DifferentError, Log, create, preload, same, windows

from gatherer.settings import Settings


class TaskManager:
    """The CPU time of a TaskManager, and that of the Python processes beside it, which end with a job."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._workers: dict[int, float] = {}

    def look(self) -> None:
        """Note what the Python processes have used until now."""
        for child in self._process.children(recursive=True):
            with suppress(psutil.Error):
                used = child.cpu_times()
                self._workers[child.pid] = used.user + used.system

    def used(self) -> tuple[float, float]:
        """Seconds of Java's and of Python's."""
        java = self._process.cpu_times()
        return java.user + java.system, sum(self._workers.values())


def job_seconds(job_id: str, taskmanager: TaskManager) -> float:
    """How long reading, judging and adding up took, without the start of Python's worker."""
    path = f"/jobs/{job_id}"
    while (job := ask(path))["state"] != "FINISHED":
        assert job["state"] in ("CREATED", "RUNNING"), (
            job["state"],
            ask(f"{path}/exceptions")["exceptionHistory"],
        )
        taskmanager.look()
        time.sleep(0.1)
    others = [vertex["id"] for vertex in job["vertices"] if not vertex["name"].startswith("Source")]
    # A job that only reads is a single vertex.
    others = others or [vertex["id"] for vertex in job["vertices"]]
    subtasks = [each for vertex in others for each in ask(f"{path}/vertices/{vertex}")["subtasks"]]
    return float(max(each["status-duration"]["RUNNING"] for each in subtasks)) / 1000


def variants(settings: Settings) -> dict[str, Callable[[Any], None]]:
    """Name: what adds the job to an environment. The first is what the gatherer does."""
    from gatherer.job import build

    return {
        "gatherer": lambda stream: build(settings, stream, until_now=True),
        "two slots": lambda stream: build(settings, stream.set_parallelism(2), until_now=True),
        "bare read": lambda stream: flink_peers.read(settings, stream, parse=False),
        "parse and discard": lambda stream: flink_peers.read(settings, stream, parse=True),
        "SQL": lambda stream: flink_peers.plain_sql(settings, stream),
        "DataStream": lambda stream: flink_peers.data_stream(settings, stream),
        **{
            name: lambda stream, other=other: build(other, stream, until_now=True)
            for name, other in {
                "at-least-once": replace(settings, delivery="at-least-once"),
                "no median, no mad": replace(
                    settings, statistics=settings.statistics - {"median", "mad"}, signals={}
                ),
                "one window": replace(settings, windows=settings.windows[:1]),
            }.items()
        },
    }


class Measurement:
    """Runs in the client process: each variant in turn, from the first record to the last that is there."""

    def __init__(self, log: Log, limit: float, folder: Path) -> None:
        self._log, self._limit, self._folder = log, limit, folder
        self._settings = Settings.from_environ()
        self._jobs = variants(self._settings)
        self._taskmanager = TaskManager(int(os.environ["TASKMANAGER_PID"]))
        self._argv: dict[str, list[str]] = {}
        self._ours: dict[tuple[str, int], Any] = {}
        self.notes: dict[str, str] = {}

    def run(self, name: str, number: int) -> Figure | None:
        """A variant's figure of a round; None if it has none, which its note explains.

        Round 0 warms Flink up. The other peers start cold in each round.
        """
        if name in self._jobs:
            return self._job(name, number)
        if not number or (name in self.notes and name not in self._argv):
            return None
        try:
            if name not in self._argv:
                self._argv[name] = peer_process.ARGV[name](self._folder)
            return self._peer(name, number)
        except (peer_process.MissingError, peer_process.FailedError, DifferentError) as error:
            print(f"{name}: {error}", flush=True)
            self.notes[name] = f"no figure: {str(error).strip().splitlines()[-1]}"
            self._argv.pop(name, None)
            return None

    def _job(self, name: str, number: int) -> Figure:
        from gatherer.job import environment

        stream = environment()
        self._jobs[name](stream)
        before = self._taskmanager.used()
        job_id = str(stream.execute_async("bench").get_job_id())
        seconds = job_seconds(job_id, self._taskmanager)
        java, python = (after - known for after, known in zip(self._taskmanager.used(), before, strict=True))
        print(f"{name}: {seconds:.1f} s, {java:.1f} s of Java's CPU, {python:.1f} s of Python's", flush=True)
        servers, ticks = self._settings.bootstrap_servers, self._log.ticks
        if not number and name == "gatherer":
            self._ours = windows(servers, f"{PREFIX}movingaverage")
        if not number and name == "DataStream" and self._ours:
            self._compare(name, windows(servers, flink_peers.OUTPUT), max(end for _, end in self._ours))
        return Figure(ticks / seconds, 1e6 * (java + python) / ticks)

    def _peer(self, name: str, number: int) -> Figure:
        output = f"{PREFIX}peer.{name.replace(' ', '-').lower()}.{number}"
        servers = self._settings.bootstrap_servers
        endless = name in peer_process.ENDLESS
        outcome = peer_process.run(self._argv[name], servers, output, self._log, self._limit, endless)
        print(
            f"{name}: {outcome.rate:,.0f} ticks/s, {outcome.cpu:.1f} us of CPU, {outcome.share:.0%} read",
            flush=True,
        )
        if outcome.share < 1:
            self.notes[name] = (
                f"did not finish: {outcome.share:.0%} of the ticks in {self._limit:.0f} s; "
                "its figures are of the part that it did"
            )
        if not outcome.is_final:
            self.notes[name] = (
                f"did not finish in {self._limit:.0f} s: it takes windows back and writes them again until "
                "its end, so it is slower than these figures, and its windows are not compared"
            )
        elif self._ours:
            last = max(end for _, end in self._ours)
            self._compare(name, outcome.windows, min(last, outcome.until))
        return Figure(outcome.rate, outcome.cpu)

    def _compare(self, name: str, theirs: dict[tuple[str, int], Any], until: int) -> None:
        print(f"{name}: {same(self._ours, theirs, until)} windows of ten seconds are the same", flush=True)


@dataclass(frozen=True)
class Figure:
    """rate: ticks per second. cpu: us per tick, of Java and of Python."""

    rate: float
    cpu: float


def measure(log: Log, rounds: int, only: str | None, limit: float, out: Path | None) -> None:
    """All variants in turn, after a round of warm-up that is not counted."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        measurement = Measurement(log, limit, Path(folder))
        names = only.split(",") if only else list(variants(Settings.from_environ()))
        figures: dict[str, list[Figure]] = {name: [] for name in names}
        for number in range(rounds + 1):
            for name in names:
                figure = measurement.run(name, number)
                if number and figure is not None:
                    figures[name].append(figure)
    complete = {name: found for name, found in figures.items() if len(found) == rounds}
    report(tables(complete, measurement.notes), out)


def tables(figures: Mapping[str, Sequence[Figure]], notes: Mapping[str, str]) -> list[Table]:
    """figures: for each variant one of each round. notes: for variants, what is to be known about them."""
    cpu = {name: [each.cpu for each in found] for name, found in figures.items()}
    rates = {name: [each.rate for each in found] for name, found in figures.items()}
    return [
        Table("cpu", "CPU per tick", "us", True, cpu, notes),
        Table("throughput", "Throughput by the clock", "ticks/s", False, rates, notes),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ticks", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--spacing-ms", type=int, default=1, help="1000: a pane a tick, which shows what Python can do"
    )
    parser.add_argument("--bootstrap-servers")
    parser.add_argument("--only", help="variants, with commas between them")
    parser.add_argument(
        "--limit", type=float, default=60.0, help="seconds for one run of a peer outside of Flink"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(Log(args.ticks, args.spacing_ms), args.rounds, args.only, args.limit, args.json)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "kafka").mkdir()
        servers = args.bootstrap_servers or stack.enter_context(broker(folder / "kafka")).bootstrap_servers
        preload(servers, args.ticks, args.spacing_ms)
        create(servers, flink_peers.OUTPUT)
        environ = {**client(stack, folder, servers, PREFIX), "PEERS_JAR": str(javac.flink(folder))}
        argv = [
            sys.executable,
            __file__,
            "--measure",
            "--ticks",
            str(args.ticks),
            "--rounds",
            str(args.rounds),
            "--spacing-ms",
            str(args.spacing_ms),
            "--limit",
            str(args.limit),
            *(["--only", args.only] if args.only else []),
            *(["--json", str(args.json.absolute())] if args.json else []),
        ]
        subprocess.run(argv, env=environ, check=True)


if __name__ == "__main__":
    main()
