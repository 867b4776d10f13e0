"""At a steady rate, nothing grows with every checkpoint. `bench/soak.py` runs longer, and draws a plot."""

from __future__ import annotations

import pytest

from tests.e2e.soak import KAFKA, KINDS, LIVE, MOST_MORE, OTHER, Samples, faults, quarters, sample

MINUTES = 2.0
BUNDLE = {"kafka", "jobmanager", "taskmanager", "worker", "generator", "submitter", "agent"}


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_no_process_opens_a_file_or_a_thread_with_every_checkpoint(pipectl, bundle):
    samples = sample(pipectl, MINUTES, every=3.0)
    threads_and_files = KINDS[1:]
    for kind in threads_and_files:
        assert samples.used[kind].keys() >= BUNDLE
        for name, values in samples.used[kind].items():
            second, last = quarters(values)
            # Fewer than the checkpoints, one a second, between the middle of the second quarter and the end.
            assert max(last) - min(second) < MOST_MORE, (kind, name, values)
    # A tick is read within seconds, on a machine that is busy with other tests, too.
    rate = 50 * len(pipectl.json("status", code=None)["positions"])
    assert max(samples.lag) < 30 * rate, samples.lag


def steady(count: int = 40) -> Samples:
    """Steady but for a warm-up."""
    samples = Samples([5.0 * number for number in range(count)])
    for kind, value in zip(KINDS, (500.0, 80.0, 200.0), strict=True):
        samples.used[kind]["kafka"] = [value / 2] * 10 + [value] * (count - 10)
    samples.disk_mb = {KAFKA: [2.0 * number for number in range(count)], OTHER: [50.0] * count}
    samples.live_mb["kafka"] = [160.0, 162.0]
    samples.lag = [9_000] * 5 + [300] * (count - 5)
    return samples


def test_what_is_steady_after_a_warm_up_is_bounded() -> None:
    assert faults(steady(), 250) == []


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
