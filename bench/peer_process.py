"""Runs the peers that are processes of their own, and measures them by the windows that they write.

A peer starts cold. Its figures begin when its windows cover a quarter of the ticks, and end with the last
window or with the time limit. Those of a peer that writes its windows when it has read nearly
all ticks contain its start.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import javac
import platformdirs
import psutil
from broker import ROOT
from ticks import Log, Windows, create, topics
from ticks import windows as all_windows

from jvm.java import java_home

PEERS = Path(__file__).parent / "peers"
# A stream has no end: the windows of its last seconds end with a later tick only.
TAIL_MS = 3000
SHARE_BEFORE = 0.25
START_SECONDS = 90.0
INSTALL_SECONDS = 1800


def kafka_streams(folder: Path) -> list[str]:
    class_path = os.pathsep.join(map(str, javac.streams(folder)))
    return [
        str(java_home() / "bin" / "java"),
        "-Xmx1g",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        class_path,
        "peer.StreamsPeer",
    ]


def spark(_folder: Path) -> list[str]:
    if importlib.util.find_spec("pyspark") is None:
        raise MissingError("pyspark is not installed")
    return [sys.executable, str(PEERS / "spark_windows.py")]


def python(name: str) -> Callable[[Path], list[str]]:
    """A peer with an environment of its own, since it pins other versions than ours."""
    return lambda _folder: [str(environment(name)), str(PEERS / f"{name}_windows.py")]


ARGV: dict[str, Callable[[Path], list[str]]] = {
    "Kafka Streams": kafka_streams,
    "Spark": spark,
    "bytewax": python("bytewax"),
    "Pathway": python("pathway"),
    "quixstreams": python("quixstreams"),
}
"""Name of a peer: its command, made with the help of a folder for what is built."""
ENDLESS = ("Kafka Streams", "quixstreams")
"""They do not end with the present end of the topics."""


class MissingError(Exception):
    """A peer cannot be installed here."""


class FailedError(Exception):
    """A peer ended with an error."""


def environment(name: str) -> Path:
    """The Python of the environment of a peer, made in the user's cache folder. Raises MissingError."""
    requirements = PEERS / f"requirements-{name}.txt"
    key = hashlib.sha256(requirements.read_bytes() + repr(sys.version_info[:2]).encode()).hexdigest()[:12]
    folder = platformdirs.user_cache_path("pipectl") / "bench-peers" / f"{name}-{key}"
    interpreter, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        print(f"installing {name} into {folder}", flush=True)
        make = [sys.executable, "-m", "venv", "--clear", str(folder)]
        pip = [
            str(interpreter),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            str(requirements),
        ]
        try:
            for argv in (make, pip):
                subprocess.run(argv, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=True)
        except subprocess.CalledProcessError as error:
            lines = error.stderr.strip().splitlines() or ["pip failed"]
            raise MissingError(f"{name} cannot be installed: {lines[-1]}") from None
        except subprocess.TimeoutExpired:
            raise MissingError(f"{name} was not installed within {INSTALL_SECONDS} s") from None
        complete.touch()
    return interpreter


@dataclass(frozen=True)
class Outcome:
    """rate: ticks per second. cpu: us per tick. share: of the ticks that it read.

    windows: those that it wrote. until: the end that the windows of every symbol have reached, epoch ms.
    is_final: whether it would not write them again; otherwise it has done less than it seems.
    """

    rate: float
    cpu: float
    share: float
    windows: dict[tuple[str, int], Any]
    until: int
    is_final: bool


def run(
    argv: list[str], bootstrap_servers: str, output: str, log: Log, limit: float, endless: bool
) -> Outcome:
    """One run from the beginning of the topics to their end. limit: seconds after its first windows.

    endless: the peer waits for more ticks, and is stopped when the last windows are there.

    Raises FailedError if the peer fails, or writes no windows.
    """
    create(bootstrap_servers, output)
    windows = Windows(bootstrap_servers, output)
    with tempfile.TemporaryDirectory(prefix="peer-", ignore_cleanup_errors=True) as folder:
        errors = Path(folder) / "stderr"
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [*argv, bootstrap_servers, output, f"{output}.group", *topics()],
                cwd=folder,
                stdout=stderr,
                stderr=stderr,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT), "JAVA_HOME": str(java_home())},
            )
        usage, started = Usage(process.pid), time.monotonic()
        points: list[tuple[int, float, float]] = []  # end of windows, seconds, CPU seconds
        deadline, reached = time.monotonic() + START_SECONDS, 0
        try:
            while True:
                ended = process.poll() is not None
                used = usage.seconds()
                windows.read()
                if windows.reached > reached:
                    reached = windows.reached
                    points.append((reached, time.monotonic(), used))
                    if len(points) == 1:
                        deadline = points[0][1] + limit
                complete = endless and reached >= log.end_ms - TAIL_MS
                if ended or complete or time.monotonic() > deadline:
                    break
        finally:
            stop(process)
            windows.close()
        said = errors.read_text(errors="replace")[-2000:]
        if ended and process.returncode:
            raise FailedError(said)
    begin = log.start_ms + SHARE_BEFORE * (log.end_ms - log.start_ms)
    if not points:
        raise FailedError(f"{said}\nit wrote no windows of each symbol within {START_SECONDS:.0f} s")
    measured = [point for point in points if point[0] >= begin] or points
    (_, begun, before), (_, done, after) = measured[0], measured[-1]
    if done - begun < SHARE_BEFORE * (done - started) or after - before < SHARE_BEFORE * after:
        measured = [(log.start_ms, started, 0.0), measured[-1]]  # it had read nearly all before it wrote
    (first, begun, before), (last, done, after) = measured[0], measured[-1]
    ticks = log.ticks_between(first, last)
    share = min(1.0, (last + TAIL_MS - log.start_ms) / (log.end_ms - log.start_ms))
    found = all_windows(bootstrap_servers, output)
    is_final = ended or not windows.are_revised
    return Outcome(ticks / (done - begun), 1e6 * (after - before) / ticks, share, found, reached, is_final)


class Usage:
    """The CPU time of a process and of those that it has started."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._known: dict[int, float] = {}

    def seconds(self) -> float:
        """Seconds until now, with those of processes that have ended since the last look."""
        with suppress(psutil.Error):
            for each in (self._process, *self._process.children(recursive=True)):
                with suppress(psutil.Error):
                    times = each.cpu_times()
                    self._known[each.pid] = times.user + times.system
        return sum(self._known.values())


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it has started."""
    children = []
    with suppress(psutil.Error):
        children = psutil.Process(process.pid).children(recursive=True)
    for each in children:
        with suppress(psutil.Error):
            each.kill()
    process.kill()
    process.wait(30)
