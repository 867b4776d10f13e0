"""One log, run in very different circumstances: the same windows and dead letters, and those of the model.

bench/determinism.py has more circumstances, each in a run of its own.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.gatherer.logs import Log, awkward
from tests.gatherer.model import Rules
from tests.gatherer.replay import Replay, Written, busy
from tests.gatherer.slow_broker import SlowBroker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FROZEN_SECONDS, APART_SECONDS = 8.0, 12.0


@pytest.fixture
def replay(flink: Any, kafka: Any) -> Iterator[Callable[..., Replay]]:
    made: list[Replay] = []

    def make(name: str, log: Log, **settings: Any) -> Replay:
        made.append(Replay(flink, kafka, name, log, **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()


# In the short form, the machine is as busy as it is, and neither the app nor the JobManager restarts:
# test_failures.py has that on a live feed.
@pytest.mark.parametrize(
    ("ticks", "restarts"), [(250, False), pytest.param(600, True, marks=pytest.mark.long)]
)
def test_undisturbed_and_disturbed_runs_write_the_same(
    replay: Callable[..., Replay], slow_broker: SlowBroker, flink: Any, ticks: int, restarts: bool
) -> None:
    log = awkward(seed=1, ticks=ticks, rules=Rules())
    plain = replay(f"plain{ticks}", log, FLINK_PARALLELISM="1")
    first = plain.run()
    assert (len(first.averages), len(first.letters)) == (plain.windows, plain.letters)
    assert plain.windows > 3 * ticks and plain.letters > ticks // 20

    slow = replay(f"slow{ticks}", log, by_proxy=True, FLINK_PARALLELISM="4")
    draw = random.Random(5)
    for symbol, partitions in slow.partitions.items():
        for partition in range(partitions):
            slow_broker.hold(f"slow{ticks}.position.{symbol}", partition, draw.uniform(0, APART_SECONDS))
    slow_broker.delay_seconds = 0.2
    slow_broker.bytes_per_second = 40_000

    def disturb(run: Replay) -> None:
        run.until(0.1)
        flink.freeze("taskmanager")
        threading.Event().wait(FROZEN_SECONDS)  # a span of time is what it is about
        flink.thaw("taskmanager")
        run.until(0.3)
        run.restart_taskmanager()
        if restarts:
            run.until(0.5)
            run.restart_app()
            run.restart_jobmanager()
        run.until(0.7)

    with busy(2 if restarts else 0):
        _compare(slow.run(disturb), first)


def _compare(found: Written, first: Written) -> None:
    assert found.averages == first.averages
    assert found.letters == first.letters
