"""What is done next, from what there is and what is wanted."""

from __future__ import annotations

import pytest

from flink_scripts.observer import Observed, RunningJob, WatchedJob
from flink_scripts.reconciler import (
    Action,
    Adopt,
    Ended,
    Gone,
    Replace,
    Search,
    Submit,
    Wait,
    Wanted,
    Watch,
    next_action,
)
from flink_scripts.rest import Checkpoints, JobDetail

OURS, OURS_TOO = RunningJob("a", "ours", "s"), RunningJob("b", "ours", "s")
OLD, NAMELESS = RunningJob("c", "old", "s"), RunningJob("d", None, "unknown")


def watched(state: str) -> WatchedJob:
    return WatchedJob("a", JobDetail(state, ("RUNNING",), 1), (), Checkpoints())


@pytest.mark.parametrize(
    ("running", "action"),
    [
        ((OURS,), Adopt("a")),
        ((OLD,), Replace(OLD)),
        ((NAMELESS,), Replace(NAMELESS)),
        ((OURS, OLD), Replace(OLD)),
        ((OLD, OURS), Replace(OLD)),
        ((OURS, OURS_TOO), Replace(OURS_TOO)),
        ((OURS, OURS_TOO, OLD), Replace(OURS_TOO)),
    ],
)
def test_running_jobs_of_our_name(running: tuple[RunningJob, ...], action: Action) -> None:
    """Whatever the state folder holds."""
    for searched in (False, True):
        assert next_action(Observed(running=running), Wanted("ours", None, searched)) == action


def test_no_job_yet() -> None:
    assert next_action(Observed(), Wanted("ours")) == Search()
    assert next_action(Observed(), Wanted("ours", searched=True)) == Submit(None)
    assert next_action(Observed(), Wanted("ours", searched=True, snapshot="chk-1")) == Submit("chk-1")


@pytest.mark.parametrize("job_id", [None, "a"])
def test_nothing_is_done_while_the_jobmanager_does_not_answer(job_id: str | None) -> None:
    action = next_action(Observed(problem="refused"), Wanted("ours", job_id))
    assert action == Wait("the JobManager", "refused")


@pytest.mark.parametrize(
    "state", ["INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "FAILING", "CANCELLING"]
)
def test_a_job_that_may_still_run_is_watched(state: str) -> None:
    job = watched(state)
    assert next_action(Observed(watched=job), Wanted("ours", "a")) == Watch(job)


@pytest.mark.parametrize("state", ["FAILED", "CANCELED", "FINISHED", "SUSPENDED"])
def test_a_job_that_has_ended(state: str) -> None:
    job = watched(state)
    assert next_action(Observed(watched=job), Wanted("ours", "a")) == Ended(job)


def test_a_job_that_is_gone() -> None:
    assert next_action(Observed(), Wanted("ours", "a")) == Gone("a")
