"""Shows the progress of steps on stderr: one live line per step on a terminal, else one line per change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli.errors import Interrupted

Outcome = Literal["done", "unchanged", "failed", "stopped"]
_SIGNS = {
    "done": ("✓", "green"),
    "unchanged": ("=", "dim"),
    "failed": ("✗", "red"),
    "stopped": ("-", "yellow"),
}


@dataclass
class _Line:
    name: str
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    outcome: Outcome | None = None
    detail: str = ""
    spinner: Spinner = field(default_factory=lambda: Spinner("dots"))

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.started


@dataclass(frozen=True)
class Running:
    """A step that is in progress."""

    name: str
    progress: Progress

    def report(self, detail: str) -> None:
        """Show what the step does or waits for."""
        self.progress.report(self.name, detail)

    def end(self, outcome: Outcome, detail: str | None = None) -> None:
        """End the step. Without `detail`, its last report stays."""
        self.progress.end(self.name, outcome, detail)


class Progress:
    """Shows what each step does or waits for, and for how long. Thread-safe."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._lines: dict[str, _Line] = {}
        self._lock = threading.RLock()
        self._began = time.monotonic()
        self._live = (
            Live(console=self._console, get_renderable=self._table, refresh_per_second=8)
            if self._console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            for line in self._lines.values():
                if line.outcome is None:
                    self.end(line.name, "stopped", None)
        if self._live:
            self._live.stop()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Free the terminal for a while, for example for a question."""
        if self._live:
            self._live.stop()
        try:
            yield
        finally:
            if self._live:
                self._live.start()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @contextmanager
    def step(self, name: str, detail: str) -> Iterator[Running]:
        """Run a step. It ends as done unless it reports another outcome, fails, or is stopped."""
        with self._lock:
            self._lines[name] = _Line(name)
        running = Running(name, self)
        running.report(detail)
        outcome: Outcome = "failed"
        try:
            yield running
            outcome = "done"
        except (Interrupted, KeyboardInterrupt):
            outcome = "stopped"
            raise
        finally:
            if self._lines[name].outcome is None:
                running.end(outcome)

    def report(self, name: str, detail: str) -> None:
        """Show what the step does or waits for."""
        with self._lock:
            line = self._lines[name]
            if line.detail == detail:
                return
            line.detail = detail
            self._print(line, "…", None)

    def end(self, name: str, outcome: Outcome, detail: str | None) -> None:
        """End the step."""
        with self._lock:
            line = self._lines[name]
            line.ended = time.monotonic()
            line.outcome = outcome
            line.detail = line.detail if detail is None else detail
            self._print(line, *_SIGNS[outcome])

    def _print(self, line: _Line, sign: str, style: str | None) -> None:
        if not self._live:
            self._console.print(
                f"[{self.seconds:6.1f}s] {sign} {line.name}: {line.detail}",
                style=style,
                markup=False,
                soft_wrap=True,
            )

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 1))
        with self._lock:
            for line in self._lines.values():
                sign: Text | Spinner = line.spinner
                if line.outcome:
                    mark, style = _SIGNS[line.outcome]
                    sign = Text(mark, style=style)
                table.add_row(sign, line.name, Text(f"{line.seconds:5.1f}s", style="dim"), Text(line.detail))
        return table
