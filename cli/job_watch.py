"""Watching a run of a one-off job: its output, live, and its end."""

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from cli.engine.protocol import JobRun, Jobs, LogStream
from cli.errors import Interrupted

POLL_SECONDS = 1.0
# Each poll reads the whole output, because a log that is rotated has no stable line numbers. If that takes
# long, polls are rare: reading takes at most a tenth of the time.
PAUSE_PER_READ = 9
# A run's last lines may reach its log after Metronome reports its end.
LAST_LINES_SECONDS = 10.0


@dataclass
class Outcome:
    """How a run ended, and its whole output. code: its exit code; None if unknown."""

    run: JobRun
    code: int | None
    stdout: Sequence[str]
    stderr: Sequence[str]

    @property
    def exit_code(self) -> int:
        """The exit code of `pipectl`: never 0 for a run that failed."""
        return 0 if self.run.succeeded else self.code or 1


@dataclass
class _Printer:
    """Prints each line of a growing text once."""

    target: IO[str] | None
    lines: list[str] = field(default_factory=list)
    _printed: int = 0

    def show(self, lines: list[str], *, ended: bool) -> None:
        """Print the new lines. The last one may be incomplete, so it waits for the next poll."""
        whole = len(lines)
        if not ended and lines and lines != self.lines:
            whole -= 1
        # After a rotation, the log starts again.
        start = self._printed if self._printed <= len(lines) else 0
        if self.target is not None and whole > start:
            self.target.write("".join(f"{line}\n" for line in lines[start:whole]))
            self.target.flush()
        self._printed, self.lines = max(start, whole), lines


def watch(jobs: Jobs, run: JobRun, stop: threading.Event, *, quiet: bool = False) -> Outcome:
    """Print the output of the run until it ends; quiet: return its stdout, but do not print it."""
    printers: dict[LogStream, _Printer] = {
        "stdout": _Printer(None if quiet else sys.stdout),
        "stderr": _Printer(sys.stderr),
    }
    while (seen := jobs.state(run)).ended_at is None:
        began = time.monotonic()
        _show(jobs, seen, printers, ended=False)
        if stop.wait(max(POLL_SECONDS, PAUSE_PER_READ * (time.monotonic() - began))):
            raise Interrupted("stopped watching")
    deadline = time.monotonic() + LAST_LINES_SECONDS
    # The line with the exit code is the last one: once it is there, all others are too.
    while (code := jobs.exit_code(seen)) is None and time.monotonic() < deadline:
        if stop.wait(POLL_SECONDS):
            raise Interrupted("stopped watching")
    _show(jobs, seen, printers, ended=True)
    return Outcome(seen, code, printers["stdout"].lines, printers["stderr"].lines)


def _show(jobs: Jobs, run: JobRun, printers: Mapping[LogStream, _Printer], *, ended: bool) -> None:
    for stream, printer in printers.items():
        printer.show(jobs.output(run, stream), ended=ended)
