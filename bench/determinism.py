"""Runs the job on one log under disturbances: is the output always the same, and does it match the model?

    python bench/determinism.py [--ticks 3000] [--seed 1] [--only NAME,...]

Each run reads a copy of the log. Its output is compared with that of the first run, to the byte, and with the
model of the rule (tests/gatherer/model.py). A broker and a Flink with 4 slots are started as for the tests.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from broker import broker  # first: it lets the next ones be found
from client import as_in_tests

from tests.gatherer.flink import Flink
from tests.gatherer.logs import POSITIONS, Log, awkward
from tests.gatherer.model import Rules
from tests.gatherer.replay import Replay, Written, busy
from tests.gatherer.slow_broker import SlowBroker

FROZEN_SECONDS, APART_SECONDS, KILLS, BUSY = 30.0, 180.0, 9, 30
_OVERHEAD_BYTES = 20
"""Of a record in Kafka, about, beside its value and its key."""


@dataclass
class Bench:
    """What every run needs. seconds: how long the first run took from its start to its last window."""

    flink: Flink
    kafka: Any
    slow: SlowBroker
    log: Log
    draw: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    seconds: float = 0.0

    def over(self, seconds: float) -> None:
        """Let the log pass in so much time."""
        total = sum(len(entry.value) + _OVERHEAD_BYTES for entry in self.log)
        self.slow.bytes_per_second = total / seconds


def tenth(bench: Bench, _: Replay) -> None:
    bench.over(10 * bench.seconds)


def kills(bench: Bench, run: Replay) -> None:
    """TaskManager, JobManager and submitter die in turn, each some time after the one before."""
    for number in range(KILLS):
        run.until(min(0.9, (number + bench.draw.random()) / KILLS), 600)
        (run.restart_taskmanager, run.restart_jobmanager, run.restart_app)[number % 3]()


def frozen(_: Bench, run: Replay) -> None:
    run.until(0.2, 600)
    run.flink.freeze("taskmanager")
    time.sleep(FROZEN_SECONDS)
    run.flink.thaw("taskmanager")


def apart(bench: Bench, run: Replay) -> None:
    """Every partition comes when it likes, and every answer later than it should."""
    for symbol, partitions in POSITIONS.items():
        for partition in range(partitions):
            topic = f"{run.bundle.prefix}position.{symbol}"
            bench.slow.hold(topic, partition, bench.draw.uniform(0, APART_SECONDS))
    bench.slow.delay_seconds = 2.0


def crowded(_: Bench, run: Replay) -> None:
    with busy(BUSY):
        run.until(1.0, 1200)


@dataclass(frozen=True)
class Scenario:
    """slots: of the job. seconds: that reading the log takes, if it is slowed down. before: called when the
    job has not been started; during: when it runs.
    """

    name: str
    slots: int
    seconds: float | None = None
    before: Callable[[Bench, Replay], None] | None = None
    during: Callable[[Bench, Replay], None] | None = None


SCENARIOS = (
    Scenario("full speed", 1),
    Scenario("two slots", 2),
    Scenario("four slots", 4),
    Scenario("a tenth of the speed", 2, before=tenth),
    Scenario(f"{KILLS} kills", 4, 120.0, during=kills),
    Scenario(f"frozen for {FROZEN_SECONDS:.0f} s", 2, 30.0, during=frozen),
    Scenario(f"partitions up to {APART_SECONDS:.0f} s apart", 4, before=apart),
    Scenario(f"{BUSY} busy processes beside it", 2, during=crowded),
)


def run(bench: Bench, number: int, scenario: Scenario) -> tuple[Written, float]:
    bench.slow.delay_seconds, bench.slow.bytes_per_second = 0.0, None
    replay = Replay(
        bench.flink,
        bench.kafka,
        f"run{number}",
        bench.log,
        by_proxy=True,
        FLINK_PARALLELISM=str(scenario.slots),
    )
    try:
        if scenario.seconds is not None:
            bench.over(scenario.seconds)
        if scenario.before is not None:
            scenario.before(bench, replay)
        begin = time.monotonic()
        during = scenario.during
        written = replay.run(None if during is None else lambda replay: during(bench, replay), 1200)
        return written, time.monotonic() - begin
    finally:
        replay.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ticks", type=int, default=3000, help="of each of the 7 partitions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--only", help="words of names, with commas between them; the first run is always made"
    )
    args = parser.parse_args()
    log = awkward(args.seed, args.ticks, Rules())
    print(f"{len(log)} records, seed {args.seed}")
    first: Written | None = None
    failed = 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "kafka").mkdir()
        kafka = stack.enter_context(broker(folder / "kafka"))
        slow = stack.enter_context(SlowBroker(kafka.proxied, kafka.by_proxy))
        flink = as_in_tests(stack, folder / "flink")
        bench = Bench(flink, kafka, slow, log)
        for number, scenario in enumerate(SCENARIOS):
            if number and args.only and not any(word in scenario.name for word in args.only.split(",")):
                continue
            try:
                written, seconds = run(bench, number, scenario)
            except (Exception, pytest.fail.Exception) as error:
                failed += 1
                print(f"{scenario.name:34} {scenario.slots} slots  FAILED: {str(error)[:2000]}", flush=True)
                continue
            if first is None:
                first, bench.seconds = written, seconds
            same = "as the model says" if written == first else "NOT AS THE FIRST"
            failed += written != first
            print(
                f"{scenario.name:34} {scenario.slots} slots {seconds:6.0f} s "
                f"{len(written.averages):7,} windows {len(written.letters):5,} dead letters  {same}",
                flush=True,
            )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
