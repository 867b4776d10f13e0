"""A job's whole life, from submission to its end, on a Flink that does what the test says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flink_scripts.chore import Chore
from flink_scripts.errors import JobFailedError, NotReadyError, SubmitError
from flink_scripts.settings import local_path
from tests.flink_scripts.fake_flink import FakeFlink
from tests.flink_scripts.life import NAME, OURS, Life

Make = Callable[..., Life]


def snapshot(folder: str, written: float = 1) -> str:
    """Write a complete snapshot, `written` then (s since 1970); returns its URI."""
    path = local_path(folder)
    assert path is not None
    path.mkdir(parents=True)
    (path / "_metadata").write_bytes(b"")
    os.utime(path / "_metadata", (written, written))
    return folder


def submissions(flink: FakeFlink) -> int:
    return flink.calls.count("POST /submit")


def test_without_state_the_job_starts_from_the_earliest_records(flink: FakeFlink, life: Life) -> None:
    life.then(life.stop.set)
    assert life.run() == 0
    assert life.snapshots == [None] and submissions(flink) == 1
    assert life.said("no usable state: starting from the earliest records")
    (job,) = flink.jobs.values()
    assert life.health.job_id == job.id and life.said(f"submitted job {job.id} in ")


def test_a_job_whose_store_is_away_does_not_start_over(flink: FakeFlink, life: Life) -> None:
    life.has_progress = True
    newest = f"{life.state.checkpoints}/old/chk-1"

    def check() -> None:
        assert life.health.reason is not None
        assert "the job's state: Kafka holds the progress of demo, but file:" in life.health.reason
        assert submissions(flink) == 0

    life.then(check, lambda: snapshot(newest), life.stop.set)
    assert life.run() == 0
    assert life.snapshots == [newest]


def test_a_job_whose_store_stays_away_ends_with_the_reason(flink: FakeFlink, life: Life) -> None:
    life.has_progress = True
    with pytest.raises(NotReadyError, match="gave up after 300 s waiting for the job's state: Kafka holds"):
        life.run()
    assert submissions(flink) == 0


def test_state_of_another_shape_shows_that_the_store_is_there(life: Life) -> None:
    life.has_progress = True
    snapshot(f"{life.state.checkpoints}/../another shape/old/chk-1")
    life.then(life.stop.set)
    assert life.run() == 0
    assert life.snapshots == [None]


def test_the_newest_snapshot_is_resumed_from(life: Life) -> None:
    snapshot(f"{life.state.checkpoints}/old/chk-1")
    newest = snapshot(f"{life.state.savepoints}/savepoint-2", written=2)
    life.then(life.stop.set)
    assert life.run() == 0
    assert life.snapshots == [newest] and life.said(f"resuming from {newest}")


def test_a_job_as_we_would_submit_it_is_adopted(flink: FakeFlink, life: Life) -> None:
    flink.add("aa", NAME, OURS)
    flink.add("bb", "another", "theirs")
    life.then(life.stop.set)
    assert life.run() == 0
    assert submissions(flink) == 0
    assert life.said("job aa runs already, as we would submit it: watching it")
    assert (flink.jobs["aa"].state, flink.jobs["bb"].state) == ("FINISHED", "RUNNING")


def test_a_job_of_another_definition_is_replaced_by_way_of_a_savepoint(flink: FakeFlink, life: Life) -> None:
    flink.add("aa", NAME, "older")
    target = f"{life.state.savepoints}/savepoint-7"

    def write(call: str) -> None:
        if call == "POST /jobs/aa/stop":
            snapshot(target)

    flink.when = write
    life.then(life.stop.set)
    assert life.run() == 0
    assert life.said("job aa runs with another definition: stopping it")
    assert life.said("stopped job aa with savepoint ")
    assert life.snapshots == [target]
    assert {job.state for job in flink.jobs.values()} == {"FINISHED"}


def test_one_job_too_many_is_stopped(flink: FakeFlink, life: Life) -> None:
    flink.add("aa", NAME, OURS)
    flink.add("bb", NAME, OURS)
    life.then(life.stop.set)
    assert life.run() == 0
    assert flink.calls.count("POST /jobs/aa/stop") + flink.calls.count("POST /jobs/bb/stop") == 2
    assert submissions(flink) == 0


def test_no_second_job_starts_while_one_cannot_be_stopped(flink: FakeFlink, life: Life) -> None:
    job = flink.add("aa", NAME, "older")
    job.savepoint, job.cancels = None, False
    with pytest.raises(NotReadyError, match="gave up after 300 s waiting for the end of job aa"):
        life.run()
    assert submissions(flink) == 0 and life.said("job aa could not be cancelled")


def test_after_a_restart_of_the_jobmanager_the_job_is_submitted_again(flink: FakeFlink, life: Life) -> None:
    newest: list[str] = []

    def restart() -> None:
        newest.append(snapshot(f"{life.state.checkpoints}/{life.job_ids[0]}/chk-9"))
        flink.restart()

    def complete() -> None:
        assert life.health.reason is None and life.health.job_id == life.job_ids[1]
        flink.jobs[life.job_ids[1]].completed = 1
        snapshot(f"{life.state.checkpoints}/{life.job_ids[1]}/chk-1", written=2)

    life.then(lambda: None, restart, complete, life.stop.set)
    assert life.run() == 0
    first, second = life.job_ids
    assert first != second and life.snapshots == [None, newest[0]]
    gone = f"job {first} is gone from the JobManager, which must have been restarted"
    after = life.lines[life.lines.index(next(line for line in life.lines if line.endswith(gone))) :]
    assert after[0].startswith("job failure at 2") and after[1] == f"resuming from {newest[0]}"
    assert after[2].startswith(f"submitted job {second} in ")
    assert after[3] == f"removed {life.state.checkpoints}/{first}: nothing needs it any more"
    assert life.health.last_failure is not None and life.health.last_failure["reason"] == gone


def test_a_job_that_is_submitted_again_has_the_id_that_a_successor_would_give_it(
    flink: FakeFlink, make_life: Make
) -> None:
    """So one that is killed meanwhile may leave its submitting process behind."""
    watcher, successor = make_life(), make_life()

    def restart() -> None:
        snapshot(f"{watcher.state.checkpoints}/{watcher.job_ids[0]}/chk-9")
        flink.restart()

    watcher.then(restart, watcher.stop.set)
    assert watcher.run() == 0
    flink.restart()
    successor.then(successor.stop.set)
    assert successor.run() == 0
    assert successor.job_ids == watcher.job_ids[1:] != watcher.job_ids[:1]


def test_a_job_that_is_in_the_list_is_not_gone(flink: FakeFlink, life: Life) -> None:
    job = flink.add("aa", NAME, OURS)

    def lose_a_page(call: str) -> None:
        """What is asked about the job is not found, but for the list of jobs."""
        if call == "GET /jobs/overview":
            flink.jobs["aa"] = job
        elif life.clock.now() > 0 and call.startswith("GET /jobs/aa/exceptions"):
            flink.jobs.clear()

    flink.when = lose_a_page

    def mend() -> None:
        assert life.health.reason is not None and "NotFoundException" in life.health.reason
        flink.when = lambda call: None

    life.then(lambda: None, mend, life.stop.set)
    assert life.run() == 0
    assert submissions(flink) == 0 and life.lines[-1].startswith("stopped job aa with savepoint")


def test_a_job_that_does_not_run_is_polled_more_often(flink: FakeFlink, life: Life) -> None:
    job = flink.add("aa", NAME, OURS)
    times: list[float] = []

    def note(state: str, broken: bool = False) -> None:
        times.append(life.clock.now())
        job.state, flink.broken = state, broken

    life.then(
        lambda: note("RESTARTING"),
        lambda: note("RUNNING", broken=True),
        lambda: note("RUNNING"),
        lambda: note("RUNNING"),
        life.stop.set,
    )
    assert life.run() == 0
    assert times == [1, 1.5, 2, 3]


def test_a_stop_takes_a_savepoint(flink: FakeFlink, life: Life) -> None:
    flink.add("aa", NAME, OURS)
    life.then(lambda: None, lambda: None, life.stop.set)
    assert life.run() == 0
    assert life.lines[-1] == "stopped job aa with savepoint file:/state/savepoints/savepoint-1"
    assert life.health.reason == "stopping"


@pytest.mark.parametrize("kept", [True, False])
def test_a_savepoint_that_fails_ends_in_a_cancellation(flink: FakeFlink, life: Life, kept: bool) -> None:
    job = flink.add("aa", NAME, OURS)
    job.savepoint = {"failure-cause": {"stack-trace": "java.io.IOException: full\n\tat x\nCaused by: a.B: c"}}
    newest = snapshot(f"{life.state.checkpoints}/aa/chk-3") if kept else ""
    life.then(life.stop.set)
    assert life.run() == 1
    rest = f"its newest checkpoint is {newest}" if kept else "and it has completed no checkpoint"
    said = f"the savepoint failed: java.io.IOException: full / Caused by: a.B: c; {rest}"
    assert life.lines[-1] == f"no savepoint of job aa: {said}"
    assert job.state == "CANCELED"


def test_a_savepoint_that_takes_too_long_ends_in_a_cancellation(flink: FakeFlink, life: Life) -> None:
    job = flink.add("aa", NAME, OURS)
    job.savepoint = None
    life.then(life.stop.set)
    assert life.run() == 1
    assert life.said("the savepoint was not complete after 40 s") and job.state == "CANCELED"
    assert life.clock.now() < 60, "Marathon kills us after that"


def test_a_submission_that_hangs_is_ended_and_withdrawn(flink: FakeFlink, life: Life) -> None:
    life.program = "import time; time.sleep(300)"
    life.waits_for_it = False

    def arrive(call: str) -> None:
        """The job arrives in the very moment in which we give up."""
        if life.clock.now() > 180 and not flink.jobs:
            flink.add(life.job_ids[0], NAME, OURS)

    flink.when = arrive
    with pytest.raises(SubmitError, match="python -m demo did not finish within 180 s"):
        life.run()
    assert life.submitting[0].poll() == -signal.SIGKILL
    assert flink.jobs[life.job_ids[0]].state == "FINISHED"


def test_a_submission_that_dies_reports_its_exit_code(flink: FakeFlink, life: Life) -> None:
    life.program = "raise SystemExit(3)"
    with pytest.raises(SubmitError, match="python -m demo ended with exit code 3; see its output above"):
        life.run()
    assert not flink.jobs


def test_a_stop_during_the_submission_leaves_nothing_behind(flink: FakeFlink, life: Life) -> None:
    life.program = "import time; time.sleep(300)"
    life.waits_for_it = False
    life.then(life.stop.set)
    assert life.run() == 0
    assert life.submitting[0].poll() == -signal.SIGKILL and not flink.jobs
    assert life.lines[-1] == "stopped before the job ran"


@pytest.fixture
def orphan_gate(life: Life, flink: FakeFlink, tmp_path: Path) -> Path:
    """A submitter is killed while its submitting process, which outlives it, waits for this gate to open."""
    gate = tmp_path / "gate"
    gate.mkdir()
    host, port = flink.address
    argv = [sys.executable, "-m", "tests.flink_scripts.life", f"{host}:{port}", str(life.folder), str(gate)]
    submitter = subprocess.Popen(argv, cwd=Path(__file__).parents[2])
    try:
        wait_until((gate / "waiting").exists, "it is submitting")
    finally:
        submitter.kill()
        submitter.wait(10)
    return gate


def test_an_orphan_that_submits_first_has_submitted_our_job(
    flink: FakeFlink, life: Life, orphan_gate: Path
) -> None:
    def let_the_orphan_submit() -> None:
        (orphan_gate / "open").touch()
        wait_until(lambda: bool(flink.jobs), "the orphan has submitted its job")

    life.before_launch = let_the_orphan_submit
    life.then(life.stop.set)
    assert life.run() == 0
    assert submissions(flink) == 2 and list(flink.jobs) == life.job_ids
    assert life.said(
        f"job {life.job_ids[0]} had been submitted already, by a process that outlived its submitter"
    )


def test_an_orphan_that_submits_second_is_refused(flink: FakeFlink, life: Life, orphan_gate: Path) -> None:
    life.then((orphan_gate / "open").touch, life.stop.set)
    assert life.run() == 0
    wait_until(lambda: submissions(flink) == 2, "the orphan has tried to submit its job")
    assert list(flink.jobs) == life.job_ids


def test_a_job_is_submitted_before_there_is_a_slot_for_it(flink: FakeFlink, life: Life) -> None:
    """And waits for it however long that takes: a new job would wait as well."""
    flink.slots = False

    def add_slots() -> None:
        assert life.health.reason is not None and "waiting for a free task slot" in life.health.reason
        job = flink.jobs[life.job_ids[0]]
        job.state, job.tasks = "RUNNING", ["RUNNING", "RUNNING"]

    def check() -> None:
        assert life.health.reason is None
        life.stop.set()

    life.then(*[lambda: None] * 1_000, add_slots, check)
    assert life.run() == 0
    assert submissions(flink) == 1
    assert sum("waiting for a free task slot: is a TaskManager running" in line for line in life.lines) == 1


def test_a_jobmanager_that_does_not_answer_makes_the_app_unhealthy_but_not_fail(
    flink: FakeFlink, life: Life
) -> None:
    flink.add("aa", NAME, OURS)
    broken: list[str | None] = []

    def break_rest() -> None:
        flink.broken = True

    def mend_rest() -> None:
        broken.append(life.health.reason)
        flink.broken = False

    life.then(
        break_rest, *[lambda: None] * 400, mend_rest, lambda: broken.append(life.health.reason), life.stop.set
    )
    assert life.run() == 0
    assert broken[0] is not None and "Service Unavailable" in broken[0] and broken[1] is None


def test_a_failed_job_ends_the_app_with_its_exception(flink: FakeFlink, life: Life) -> None:
    job = flink.add("aa", NAME, OURS)

    def fail() -> None:
        job.state = "FAILED"
        job.fail(1_000, "a.B: c\n\tat x\nCaused by: d.E: f\n\tat y", taskName="Source (1/2)")

    life.then(fail)
    with pytest.raises(JobFailedError, match=re.escape("job aa (demo) is FAILED; a.B: c\n\tat x\nCaused")):
        life.run()
    assert (
        life.lines[-1]
        == "job failure at 1970-01-01 00:00:01.000 UTC: d.E: f, seen as a.B: c (in Source (1/2))"
    )


def test_the_successor_reports_why_the_earlier_job_failed(flink: FakeFlink, life: Life) -> None:
    job = flink.add("aa", NAME, OURS)
    job.state = "FAILED"
    job.fail(2_000, "a.B: newer\n\tat x")
    job.fail(1_000, "a.B: older\n\tat x")
    life.then(lambda: None, life.stop.set)
    assert life.run() == 0
    assert [line for line in life.lines if "job failure" in line] == [
        "before this process: job failure at 1970-01-01 00:00:02.000 UTC: a.B: newer"
    ]
    assert life.health.last_failure == {"time": "1970-01-01 00:00:02.000", "reason": "a.B: newer"}


def test_unneeded_state_is_deleted_after_the_first_checkpoint(flink: FakeFlink, life: Life) -> None:
    job = flink.add("aa", NAME, OURS)
    snapshot(f"{life.state.checkpoints}/aa/chk-1")
    old = Path(local_path(snapshot(f"{life.state.checkpoints}/old/chk-5")) or "")

    def complete() -> None:
        assert old.exists()
        job.completed = 1

    life.then(lambda: None, complete, life.stop.set)
    assert life.run() == 0
    assert not old.exists() and sum("nothing needs it any more" in line for line in life.lines) == 1


def test_chores_run_at_intervals_whether_or_not_they_succeed(flink: FakeFlink, life: Life) -> None:
    flink.add("aa", NAME, OURS)
    times: list[float] = []

    def work() -> list[str]:
        times.append(life.clock.now())
        if len(times) == 2:
            raise TimeoutError("Kafka is away")
        return ["done"]

    life.chores.append(Chore("the chore", work, every_seconds=15, clock=life.clock))
    life.then(*[lambda: None] * 40, life.stop.set)
    assert life.run() == 0
    assert times == [0, 15, 30] and life.lines.count("done") == 2
    assert life.health.reason == "stopping"


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.01)
