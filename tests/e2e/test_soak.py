"""At a steady rate, nothing grows without a bound. `bench/soak.py` runs longer, and draws a plot."""

from __future__ import annotations

import pytest

from tests.benchmarks import Run
from tests.e2e.soak import KAFKA, KINDS, LIVE, OTHER, PROCESSES, Samples, faults


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_minutes_use_no_more_and_more_while_records_grow_old_and_a_log_grows_long(
    run_benchmark: Run,
) -> None:
    """The benchmark fails if anything grows, if Kafka deletes no record, or if no log is rotated."""
    assert "everything is bounded" in run_benchmark("soak.py --minutes 2 --rate 10 --turnover")


def steady(count: int = 40) -> Samples:
    """Steady but for a warm-up."""
    samples = Samples([5.0 * number for number in range(count)])
    for kind, value in zip(KINDS, (500.0, 80.0, 200.0), strict=True):
        for name in PROCESSES:
            samples.used[kind][name] = [value / 2] * 10 + [value] * (count - 10)
    samples.disk_mb = {KAFKA: [2.0 * number for number in range(count)], OTHER: [50.0] * count}
    samples.live_mb["kafka"] = [160.0, 162.0]
    samples.lag = [9_000] * 5 + [300] * (count - 5)
    samples.held = [9_000 if number % 2 else 5_000 for number in range(count)]
    samples.deleted = [5_000 * (number // 4) for number in range(count)]
    samples.logged_mb, samples.kept_mb = 200.0, 16.0
    return samples


def test_what_is_steady_after_a_warm_up_is_bounded() -> None:
    assert faults(steady(), 250, turnover=True) == []


def test_a_jvm_may_fill_its_heap() -> None:
    samples = steady()
    samples.used["MB"]["kafka"][-10:] = [580.0] * 10
    (fault,) = faults(samples, 250)
    assert "MB of kafka" in fault
    samples.heap_mb["kafka"] = 560.0
    assert faults(samples, 250) == []


@pytest.mark.parametrize("name", ["MB", LIVE, "threads", "files", KAFKA, OTHER, "lag"])
def test_what_grows_is_a_fault(name: str) -> None:
    samples = steady()
    values = {**{kind: used["kafka"] for kind, used in samples.used.items()}, **samples.disk_mb}.get(name)
    if name == LIVE:
        samples.live_mb["kafka"][1] = 200.0
    elif values is None:
        samples.lag[-1] = 9_000
    else:
        values[:] = [value * (1 + number / 40) ** 2 for number, value in enumerate(values)]
    (fault,) = faults(samples, 250)
    assert name in fault


def test_of_a_short_run_only_what_a_start_does_not_change_is_judged() -> None:
    samples = steady()
    samples.used["MB"]["kafka"][-10:] = [5_000.0] * 10
    samples.disk_mb[OTHER][-10:] = [5_000.0] * 10
    samples.live_mb["kafka"][1] = 5_000.0
    assert faults(samples, 250, memory=False) == []
    samples.used["threads"]["kafka"][-1] = 100.0
    (fault,) = faults(samples, 250, memory=False)
    assert "threads of kafka" in fault


def test_what_does_not_grow_old_is_a_fault() -> None:
    held, deleted, log = steady(), steady(), steady()
    held.held[-1] = 20_000
    deleted.deleted[:] = [5_000] * len(deleted.deleted)
    log.kept_mb = log.logged_mb
    found = [faults(each, 250, turnover=True) for each in (held, deleted, log)]
    assert found == [
        ["held by Kafka: 20,000 ticks, bound 17,500"],
        ["retention: Kafka deleted nothing"],
        ["log: 200.0 MB of 200.0 MB are there"],
    ]
    assert faults(held, 250) == faults(deleted, 250) == faults(log, 250) == []


def test_a_process_that_was_not_seen_is_a_fault() -> None:
    samples = steady()
    for used in samples.used.values():
        del used["worker"]
    assert faults(samples, 250) == ["worker: no process of it was seen"]
