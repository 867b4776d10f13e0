"""What the log and the health answer say about the job, and how often."""

from __future__ import annotations

import pytest

from flink_scripts.failures import is_checkpoint_failure, root_cause
from flink_scripts.health import Health
from flink_scripts.observer import WatchedJob
from flink_scripts.reporter import Reporter
from flink_scripts.rest import Checkpoints, FailedCheckpoint, Failure, JobDetail
from tests.flink_scripts.life import SteppingClock

RUNNING, RESTARTING = JobDetail("RUNNING", ("RUNNING",), 2), JobDetail("RESTARTING", ("CANCELED",), 2)
WAITING = JobDetail("CREATED", ("CREATED",), 2)
LOST = Failure(1_500, "Source (2/2)", "host:1", "a.Lost: the TaskManager\n\tat x")
EXPIRED = FailedCheckpoint(5, "Checkpoint expired before completing.")
SUSPENDED = FailedCheckpoint(4, "Checkpoint Coordinator is suspending.")


class Looks:
    """A reporter, and the lines that each look at the job adds."""

    def __init__(self, slots: int = 2) -> None:
        self.health, self._lines = Health("starting"), list[str]()
        self.clock = SteppingClock()
        self.problem: str | None = None
        self.reporter = Reporter(slots, lambda: self.problem, self.health, self.clock, self._lines.append)

    def at(
        self,
        detail: JobDetail,
        *failures: Failure,
        failed: tuple[FailedCheckpoint, ...] = (),
        completed: int = 0,
        restored: tuple[int, int] | None = None,
    ) -> list[str]:
        self._lines.clear()
        checkpoints = Checkpoints(completed, failed, restored)
        self.reporter.report(WatchedJob("a", detail, failures, checkpoints))
        return list(self._lines)


def test_a_job_without_changes_logs_nothing() -> None:
    looks = Looks()
    assert looks.at(JobDetail("RUNNING", ("INITIALIZING",), 2)) == []
    assert looks.health.answer()[0] == 503
    assert all(looks.at(RUNNING, completed=n) == [] for n in range(5))
    status, body = looks.health.answer()
    assert (status, body["checkpoints"]) == (200, {"completed": 4, "failed": 0})
    assert "last_failure" not in body and "note" not in body


def test_each_failure_and_its_restart_are_logged_once_with_the_cause() -> None:
    looks = Looks()
    looks.at(RUNNING)
    line = "job failure at 1970-01-01 00:00:01.500 UTC: a.Lost: the TaskManager (in Source (2/2) on host:1)"
    assert looks.at(RESTARTING, LOST) == [line]
    assert looks.health.answer()[1]["reason"] == "job RESTARTING, tasks CANCELED"
    assert looks.at(RESTARTING, LOST) == []
    again = Failure(2_500, "", "", "a.Again: x")
    assert looks.at(RESTARTING, again, LOST) == ["job failure at 1970-01-01 00:00:02.500 UTC: a.Again: x"]
    assert looks.at(RUNNING, again, LOST, restored=(7, 3_000)) == [
        "the job was restarted and runs again, from checkpoint 7"
    ]
    assert looks.at(RUNNING, again, LOST, restored=(7, 3_000)) == []
    status, body = looks.health.answer()
    assert status == 200
    assert body["last_failure"] == {"time": "1970-01-01 00:00:02.500", "reason": "a.Again: x"}


def test_why_checkpoints_can_not_be_stored_is_said_though_flink_does_not() -> None:
    looks = Looks()
    looks.at(RUNNING)
    looks.problem = "cannot write to /state: No space left on device"
    exceeded = Failure(1_500, "", "", "a.B: Exceeded checkpoint tolerable failure threshold.")
    failed = FailedCheckpoint(5, "Asynchronous task checkpoint failed.")
    assert looks.at(RESTARTING, exceeded, failed=(failed,)) == [
        f"job failure at 1970-01-01 00:00:01.500 UTC: {looks.problem}, seen as {exceeded.stack_trace}",
        f"checkpoint 5 failed: {looks.problem}, seen as {failed.message}",
    ]
    last = looks.health.answer()[1]["last_failure"]
    assert last["reason"].startswith(looks.problem)
    assert looks.problem not in looks.at(RESTARTING, Failure(2_500, "", "", "a.Lost: x"), exceeded)[0]


def test_failures_between_two_polls_are_all_logged_in_order() -> None:
    looks = Looks()
    looks.at(RUNNING)
    newer = Failure(2_500, "", "", "a.Again: x")
    lines = looks.at(RUNNING, newer, LOST, restored=(7, 3_000))
    assert [line.split(": ", 1)[1][:6] for line in lines[:2]] == ["a.Lost", "a.Agai"]
    assert lines[2:] == ["the job was restarted and runs again, from checkpoint 7"]


def test_a_restart_without_a_failure_is_logged() -> None:
    """As when the job takes up more slots, faster than we look."""
    looks = Looks()
    looks.at(RUNNING, restored=(3, 1_000))
    assert looks.at(RUNNING, restored=(9, 2_000)) == [
        "the job was restarted and runs again, from checkpoint 9"
    ]


def test_a_first_start_is_no_restart() -> None:
    looks = Looks()
    assert looks.at(WAITING) == []
    assert looks.at(JobDetail("RUNNING", ("INITIALIZING",), 2), restored=(3, 1_000)) == []
    assert looks.at(RUNNING, restored=(3, 1_000)) == []


def test_slots_missing_for_long_are_logged_once_each_time() -> None:
    hint = "waiting for a free task slot: is a TaskManager running, and FLINK_SLOTS large enough?"
    looks = Looks()
    for _ in range(2):
        assert looks.at(WAITING) == []
        assert looks.health.answer()[1]["reason"] == hint
        looks.clock.sleep(4)
        assert looks.at(WAITING) == [], "the scheduler may have slots, and wait for more"
        looks.clock.sleep(2)
        assert looks.at(WAITING) == [hint] and looks.at(WAITING) == []
        looks.at(RUNNING)
        assert looks.health.answer()[0] == 200


def test_failures_of_another_job_are_logged_again() -> None:
    looks = Looks()
    looks.at(RUNNING, LOST, failed=(EXPIRED,), restored=(3, 1_000))
    looks.reporter.forget_job()
    assert looks.at(WAITING) == []
    assert looks.at(RUNNING, restored=(7, 9_000)) == []
    assert len(looks.at(RUNNING, LOST, failed=(EXPIRED,), restored=(7, 9_000))) == 3


def test_an_earlier_failure_is_logged_once_and_as_earlier() -> None:
    looks = Looks()
    looks.reporter.past(LOST)
    assert looks.health.last_failure is not None
    assert looks.at(RUNNING, LOST) == []


def test_only_true_failures_of_checkpoints_count() -> None:
    looks = Looks()
    assert looks.at(RUNNING, failed=(SUSPENDED,)) == []
    assert looks.at(RUNNING, failed=(EXPIRED, SUSPENDED)) == [
        "checkpoint 5 failed: Checkpoint expired before completing."
    ]
    assert looks.at(RUNNING, failed=(EXPIRED, SUSPENDED)) == []
    assert looks.health.answer()[1]["checkpoints"] == {"completed": 0, "failed": 1}
    assert looks.at(RUNNING, completed=9) == [], "Flink has forgotten it; we have not"
    assert looks.health.answer()[1]["checkpoints"] == {"completed": 9, "failed": 1}


def test_missing_slots_are_noted_until_they_appear() -> None:
    looks = Looks(slots=3)
    assert looks.at(RUNNING) == ["the job runs on 2 of 3 slots"]
    assert looks.at(RUNNING) == []
    assert looks.health.answer()[1]["note"] == "on 2 of 3 slots"
    assert looks.at(JobDetail("RUNNING", ("RUNNING",), 3)) == ["the job runs on all of 3 slots"]
    assert "note" not in looks.health.answer()[1]


@pytest.mark.parametrize(
    ("message", "true"),
    [
        ("Checkpoint expired before completing.", True),
        ("Asynchronous task checkpoint failed.", True),
        ("Checkpoint was declined.", True),
        ("Checkpoint was declined (tasks not ready)", False),
        ("Not all required tasks are currently running.", False),
    ],
)
def test_true_failures_of_checkpoints(message: str, true: bool) -> None:
    assert is_checkpoint_failure(FailedCheckpoint(1, message)) is true


PYTHON = """\
java.lang.RuntimeException: Failed to close remote bundle
\tat org.apache.flink.X.run(X.java:1)
Caused by: java.util.concurrent.ExecutionException: java.lang.RuntimeException: Error received from SDK
\tat java.base/x
Caused by: java.lang.RuntimeException: Error received from SDK harness: Traceback (most recent call last):
  File "worker.py", line 289, in _execute
    response = task()
  File "analysis.py", line 4, in add
ValueError: no such window

\tat org.apache.beam.Y(Y.java:2)
\t... 7 more
"""


@pytest.mark.parametrize(
    ("trace", "cause"),
    [
        ("a.B: c\n\tat x", "a.B: c"),
        (
            "a.B: c\n\tat x\nCaused by: d.E: f\n\tat y\n\tSuppressed: g.H: i\n\tCaused by: j",
            "d.E: f, seen as a.B: c",
        ),
        ("a.B: d.E: f\n\tat x\nCaused by: d.E: f\n\tat y", "d.E: f"),
        ("a.B: two\nlines\n\tat x", "a.B: two lines"),
        (
            PYTHON,
            "ValueError: no such window, seen as java.lang.RuntimeException: Failed to close remote bundle",
        ),
        ("", "no reason given"),
        ("a.B: " + "x" * 2000, "a.B: " + "x" * 495),
    ],
)
def test_the_root_cause_of_a_stack_trace(trace: str, cause: str) -> None:
    assert root_cause(trace) == cause
