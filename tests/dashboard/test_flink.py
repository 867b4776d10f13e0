"""What the page says of the gatherer's job, from the answers of the JobManager's REST API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.flink import Flink, read_flink
from flink_scripts.rest import Rest
from tests.flink_scripts.fake_flink import TOKEN, FakeFlink


@pytest.fixture
def flink() -> Iterator[FakeFlink]:
    flink = FakeFlink()
    yield flink
    flink.close()


def seen(flink: FakeFlink) -> Flink:
    return read_flink(Rest("{}:{}".format(*flink.address), TOKEN), "demo")


def test_a_healthy_start_has_no_failed_checkpoints(flink: FakeFlink) -> None:
    job = flink.add("aa", "demo", "ours")
    job.declined, job.completed = 16, 3
    job.fail_checkpoint(4, "Checkpoint Coordinator is suspending.")
    found = seen(flink).job
    assert found is not None
    assert (found.state, found.checkpoints_completed, found.checkpoints_failed) == ("RUNNING", 3, 0)


def test_a_checkpoint_that_truly_failed_counts(flink: FakeFlink) -> None:
    flink.add("aa", "demo", "ours").fail_checkpoint(5, "Checkpoint expired before completing.")
    found = seen(flink).job
    assert found is not None and found.checkpoints_failed == 1
