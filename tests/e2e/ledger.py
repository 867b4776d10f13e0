"""The generator's own accounting, followed from outside: what it says that Kafka has acknowledged.

A generator that is killed takes its counts with it. So its page /counters is read all the time, and once more
just before a kill.
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.cluster import Cluster
from tests.gatherer.exact import TIME_FORMAT, epoch_ms
from tests.gatherer.model import Record
from tests.no_answer import NO_ANSWER

POLL_SECONDS = 0.1
_FINAL = re.compile(r"(\d+) produced, (\d+) delivered, (\d+) failed, (\d+) queued, (\d+) skipped")


@dataclass
class Incarnation:
    """One task of the generator. delivered: by symbol, as it said last. began_ms: its ticks are younger."""

    task_id: str
    sandbox: Path
    began_ms: int
    delivered: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Account:
    """lost: acknowledged ticks that are not in the topics. doubled: ticks that are there twice or out of
    order. acknowledged: all that the generator was told. unsaid: by how many its last counts differ.
    """

    acknowledged: int
    lost: int
    doubled: int
    unsaid: int


class Ledger(threading.Thread):
    """Follows the one generator of a cluster while the block runs."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self._incarnations: list[Incarnation] = []
        self._lock, self._end = threading.Lock(), threading.Event()

    def __enter__(self) -> Ledger:
        self.read()
        assert self._incarnations, "no generator answers"
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()

    def run(self) -> None:
        while not self._end.wait(POLL_SECONDS):
            self.read()

    def read(self) -> None:
        """Note what the generator says now."""
        with self._lock, suppress(*NO_ANSWER, ValueError, KeyError):
            task = self._cluster.task("data-generator")
            if task is None or not task["ports"]:
                return
            url = f"http://127.0.0.1:{task['ports'][0]}/counters"
            with urllib.request.urlopen(url, timeout=2) as answer:
                positions = json.load(answer)["positions"]
            if not self._incarnations or self._incarnations[-1].task_id != task["id"]:
                staged = datetime.fromisoformat(task["staged_at"].replace("Z", "+00:00"))
                sandbox = self._cluster.home.sandboxes_of(task["agent_id"]) / task["id"]
                began_ms = epoch_ms(staged.astimezone(UTC))
                self._incarnations.append(Incarnation(task["id"], sandbox, began_ms))
            self._incarnations[-1].delivered = {s: count["delivered"] for s, count in positions.items()}

    def wait_for_last_words(self, seconds: float = 60) -> dict[str, int]:
        """The final counts of a generator that was asked to stop, from its log."""
        last = self._incarnations[-1]
        log = last.sandbox / "stderr"
        deadline = time.monotonic() + seconds
        while not (found := _FINAL.findall(log.read_text())):
            assert time.monotonic() < deadline, f"the generator said no final counts: {log}"
            time.sleep(POLL_SECONDS)
        names = ("produced", "delivered", "failed", "queued", "skipped")
        return dict(zip(names, map(int, found[-1]), strict=True))

    def account(self, ticks: Mapping[str, list[Record]], last_words: Mapping[str, int]) -> Account:
        """Compare what was acknowledged with what is in the topics, one generator after the other."""
        lost = doubled = of_last = 0
        starts = [each.began_ms for each in self._incarnations]
        for symbol, records in ticks.items():
            times = [_time_ms(record) for record in records]
            times = [ms for ms in times if ms >= starts[0]]
            doubled += sum(now <= before for before, now in itertools.pairwise(times))
            for number, each in enumerate(self._incarnations):
                until = starts[number + 1] if number + 1 < len(starts) else float("inf")
                there = sum(each.began_ms <= ms < until for ms in times)
                lost += max(0, each.delivered.get(symbol, 0) - there)
            of_last += sum(ms >= starts[-1] for ms in times)
        acknowledged = sum(sum(each.delivered.values()) for each in self._incarnations)
        unsaid = abs(last_words["delivered"] - of_last) + last_words["failed"] + last_words["queued"]
        return Account(acknowledged, lost, doubled, unsaid)


def _time_ms(record: Record) -> int:
    assert record.value is not None
    when = datetime.strptime(json.loads(record.value)["ts"], TIME_FORMAT).replace(tzinfo=UTC)
    return epoch_ms(when)
