"""Runs of the job over copies of one log, which must all write the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.gatherer.bundle import CREATE_TIME, Bundle, Tail
from tests.gatherer.exact import Key, key_of
from tests.gatherer.flink import PATIENCE, Flink, wait_until
from tests.gatherer.logs import Entry, Log, owed, write
from tests.gatherer.model import Place, check_letters, check_windows


@dataclass(frozen=True)
class Written:
    """Keys and values that a run has written: of the windows that were due, and all dead letters."""

    averages: frozenset[tuple[bytes, bytes]]
    letters: frozenset[tuple[bytes, bytes]]


class Replay:
    """One run over a copy of the log behind a prefix of its own.

    kafka: the broker. by_proxy: the job reaches it as `kafka.by_proxy`, where somebody has to listen.
    environ: more of the app's environment.
    """

    def __init__(
        self, flink: Flink, kafka: Any, name: str, log: Log, *, by_proxy: bool = False, **environ: str
    ) -> None:
        self.flink = flink
        servers = kafka.bootstrap_servers
        self.bundle = Bundle(flink, servers, name, kafka.by_proxy if by_proxy else None)
        self.app = self.bundle.app
        self.app.environ |= environ
        self.partitions = _partitions(log)
        for symbol, partitions in self.partitions.items():
            self.bundle.create(f"position.{symbol}", partitions, **CREATE_TIME)
        write(log, servers, self.bundle.prefix)
        self._owed = owed(log, self.bundle.rules, f"{self.bundle.prefix}position.").values()
        self._due: set[Key] = set().union(*(each.due() for each in self._owed))
        self._averages = Tail(servers, f"{self.bundle.prefix}movingaverage")
        self._letters = Tail(servers, f"{self.bundle.prefix}dead_letter")

    @property
    def windows(self) -> int:
        """How many windows are due."""
        return len(self._due)

    def _unwritten(self) -> set[Place]:
        """Which records that are refused have no dead letter."""
        letters = (json.loads(each.value()) for each in self._letters.read())
        found = {(each["topic"], each["partition"], each["offset"]) for each in letters}
        return {place for each in self._owed for place in each.letters} - found

    @property
    def letters(self) -> int:
        return sum(len(each.letters) for each in self._owed)

    def run(self, disturb: Callable[[Replay], None] | None = None, patience: float = PATIENCE) -> Written:
        """Run the job until it has written all that is due, check it against the model, and stop it.

        disturb: called when the job runs.
        """
        self.app.start()
        self.app.until_healthy()
        if disturb is not None:
            disturb(self)
        self.until(1.0, patience)
        wait_until(
            lambda: len(self._letters.read()) >= self.letters,
            lambda: f"all dead letters; there is none for {sorted(self._unwritten())[:10]}",
            patience,
        )
        wait_until(self._healthy, "a healthy app", patience)
        assert self.app.stop() == 0, self.app.output()
        return self._written()

    def until(self, part: float, patience: float = PATIENCE) -> None:
        """Wait until this part of the windows is there."""
        due = set(self._due)

        def there() -> bool:
            self._keep_app()
            due.difference_update(key_of(json.loads(each.value())) for each in self._averages.read())
            return len(due) <= (1 - part) * len(self._due)

        wait_until(
            there,
            lambda: f"{part:.0%} of {len(self._due)} windows; the app says:\n{self.app.output()}",
            patience,
        )

    def restart_jobmanager(self) -> None:
        self.flink.kill("jobmanager")
        self.flink.start("jobmanager")

    def restart_taskmanager(self) -> None:
        """Until the JobManager misses the old one, it believes that the job runs there, and can't stop it."""
        old = self._taskmanagers()
        self.flink.kill("taskmanager")
        self.flink.start("taskmanager")
        wait_until(
            lambda: (new := self._taskmanagers()) and not new & old,
            "the JobManager to know the new TaskManager",
        )

    def _taskmanagers(self) -> set[str]:
        answer = self.flink.rest("/taskmanagers") or {"taskmanagers": []}
        return {each["id"] for each in answer["taskmanagers"]}

    def restart_app(self) -> None:
        self.app.kill()
        self.app.start()

    def _keep_app(self) -> None:
        """Start the app again if it has ended, as Marathon does."""
        assert self.app.process is not None
        if self.app.process.poll() is not None:
            self.app.start()

    def _healthy(self) -> bool:
        self._keep_app()
        return bool(self.app.health()["healthy"])

    def close(self) -> None:
        """Stop the job if it runs still, whatever has become of it."""
        self._averages.close()
        self._letters.close()
        if self.app.process is not None and self.app.process.poll() is None:
            self.app.stop()

    def _written(self) -> Written:
        averages = {key_of(json.loads(each.value())): each for each in self._averages.read()}
        records = [json.loads(each.value()) for each in self._averages.records]
        check_windows(records, self._owed, self._due)
        check_letters((json.loads(each.value()) for each in self._letters.read()), self._owed)
        prefix = self.bundle.prefix.encode()
        return Written(
            frozenset((averages[key].key(), averages[key].value()) for key in self._due),
            frozenset((each.key(), each.value().replace(prefix, b"")) for each in self._letters.records),
        )


def _partitions(log: Log) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in log:
        found[entry.symbol] = max(found.get(entry.symbol, 0), entry.partition + 1)
    return found


def entries_of(symbol: str, messages: list[Any]) -> Iterator[Entry]:
    """A topic's records as entries of a log."""
    for message in messages:
        yield Entry(symbol, message.partition(), message.timestamp()[1], message.value())


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that want all of a core each.

    Each has a session of its own, as the tasks of a cluster do. Linux shares the CPU among sessions first
    (sched_autogroup), so that all processes of one session together would get no more than one task.
    """
    argv = [sys.executable, "-c", "while True: pass"]
    started = [subprocess.Popen(argv, start_new_session=True) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()
