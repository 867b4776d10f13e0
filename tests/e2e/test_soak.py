"""At a steady rate, nothing grows with every checkpoint. `bench/soak.py` runs longer, and draws a plot."""

from __future__ import annotations

import pytest

from tests.e2e.soak import KINDS, quarters, sample

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

MINUTES = 0.75
# Fewer than the checkpoints, one a second, between the middle of the second quarter and the end.
MOST_MORE = 15
BUNDLE = {"kafka", "jobmanager", "taskmanager", "worker", "generator", "submitter", "agent"}


def test_no_process_opens_a_file_or_a_thread_with_every_checkpoint(pipectl, bundle):
    samples = sample(pipectl, MINUTES, every=3.0)
    threads_and_files = KINDS[1:]
    for kind in threads_and_files:
        assert samples.used[kind].keys() >= BUNDLE
        for name, values in samples.used[kind].items():
            second, last = quarters(values)
            assert max(last) - min(second) < MOST_MORE, (kind, name, values)
    # A tick is read within seconds, on a machine that is busy with other tests, too.
    rate = 50 * len(pipectl.json("status", code=None)["positions"])
    assert max(samples.lag) < 30 * rate, samples.lag
