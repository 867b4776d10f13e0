"""Runs of the real generator, as a process."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

_numbers = itertools.count()
PATIENCE = 120.0


class Run:
    """One `python -m data_generator`, with its log collected while it runs."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "data_generator", *args], stderr=subprocess.PIPE, text=True
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def wait_for_log(self, text: str, seconds: float = PATIENCE) -> None:
        self.wait_for(lambda: text in self.log, f"{text!r} in the log", seconds)

    def wait_for_count(
        self, name: str, least: int, symbol: str | None = None, seconds: float = PATIENCE
    ) -> None:
        def reached() -> bool:
            counters = self.page("/counters")
            return (counters["positions"][symbol] if symbol else counters)[name] >= least

        self.wait_for(reached, f"{least} {name}", seconds)

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"ended while waiting for {what}:\n{self.log}"
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}:\n{self.log}"
            time.sleep(0.02)

    def page(self, path: str) -> dict[str, Any]:
        """A page of the run's web server (which needs `--port 0`)."""
        self.wait_for_log("/health")
        address = self.log.split("http://")[1].split("/")[0]
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def end(self, seconds: float = 60) -> int:
        """Wait for the end; returns the exit code."""
        code = self.process.wait(seconds)
        self._reader.join()
        return code

    def terminate(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.end()

    def final_counts(self) -> dict[str, int]:
        """The counts in the log's last line of counts."""
        line = [line for line in self.log.splitlines() if " produced, " in line][-1]
        words = line.split("data_generator: ")[1].split(", ")
        return {name: int(number) for number, name in (word.split() for word in words)}

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self._lines.extend(lines)


@pytest.fixture
def prefix() -> str:
    """A topic prefix that no other test uses."""
    return f"generator{next(_numbers)}."


@pytest.fixture
def generate(kafka, prefix) -> Iterator[Callable[..., Run]]:
    """Starts generators on the real broker; those still running at the end are killed."""
    runs: list[Run] = []

    def start(*args: str, options: bool = True) -> Run:
        where = ("--bootstrap-servers", kafka.bootstrap_servers, "--topic-prefix", prefix) if options else ()
        runs.append(Run(*where, *args))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
        run.end()
