"""The client of the JobManager's REST API, over HTTP."""

from __future__ import annotations

import pytest

from flink_scripts.errors import RestError
from flink_scripts.observer import Observer
from flink_scripts.rest import Checkpoints, FailedCheckpoint, Failure, JobDetail, Rest
from tests.flink_scripts.fake_flink import TOKEN, FakeFlink
from tests.ports import free_ports


@pytest.fixture
def rest(flink: FakeFlink) -> Rest:
    return Rest("{}:{}".format(*flink.address), TOKEN)


def test_a_job_and_its_failures(flink: FakeFlink, rest: Rest) -> None:
    job = flink.add("aa", "demo", "ours")
    job.slots, job.tasks = 3, ["RUNNING", "INITIALIZING"]
    job.fail(1_000, "a.B: c\n\tat x\n")
    job.fail(2_000, "d.E: f", taskName="Source (1/2)", endpoint="host:1")
    assert rest.job("aa") == JobDetail("RUNNING", ("RUNNING", "INITIALIZING"), 3)
    assert rest.failures("aa") == (
        Failure(2_000, "Source (1/2)", "host:1", "d.E: f"),
        Failure(1_000, "", "", "a.B: c\n\tat x"),
    )


def test_checkpoints_that_were_never_begun_are_no_failed_ones(flink: FakeFlink, rest: Rest) -> None:
    job = flink.add("aa", "demo", "ours")
    job.declined, job.completed = 16, 3
    assert rest.checkpoints("aa") == Checkpoints(3)
    job.fail_checkpoint(9, "Checkpoint expired before completing.")
    job.restored = {"id": 7, "restore_timestamp": 5_000}
    expired = FailedCheckpoint(9, "Checkpoint expired before completing.")
    assert rest.checkpoints("aa") == Checkpoints(3, (expired,), (7, 5_000))


def test_a_refusal_of_the_jobmanager_gives_the_reason(rest: Rest) -> None:
    with pytest.raises(
        RestError, match=r"GET https://127.0.0.1:\d+/jobs/aa: .*NotFoundException: /jobs/aa"
    ) as found:
        rest.job("aa")
    assert found.value.status == 404


def test_the_token_is_told_only_to_a_server_that_knows_it(flink: FakeFlink) -> None:
    with pytest.raises(RestError, match=r"https://.*: what answers there has another token") as found:
        Rest("{}:{}".format(*flink.address), "another-token" * 3).jobs()
    assert (found.value.status, flink.calls) == (None, [])
    assert "another-token" not in str(found.value)


def test_an_answer_that_lacks_a_field_names_it(
    flink: FakeFlink, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flink, "_dispatch", lambda *request: (200, {"jobs": [{"jid": "aa"}]}))
    with pytest.raises(RestError, match="the JobManager left 'name' out of its answer"):
        rest.jobs()
    with pytest.raises(RestError, match="the JobManager left 'flink-version' out of its answer"):
        rest.overview()
    monkeypatch.setattr(flink, "_dispatch", lambda *request: (200, {"execution-config": None}))
    with pytest.raises(RestError, match="out of its answer"):
        rest.parameters("aa")


def test_a_missing_answer_is_reported() -> None:
    (port,) = free_ports(1)
    rest = Rest(f"127.0.0.1:{port}", TOKEN)
    with pytest.raises(
        RestError, match=f"no answer from the JobManager at https://127.0.0.1:{port}: "
    ) as found:
        rest.jobs()
    assert found.value.status is None
    assert "no answer" in (Observer(rest, "demo").observe("aa").problem or "")
    assert Observer(rest, "demo").last_failure() is None


def test_a_job_that_vanishes_between_two_questions_is_gone(flink: FakeFlink, rest: Rest) -> None:
    flink.add("aa", "demo", "ours")

    def vanish(call: str) -> None:
        if call.endswith("/checkpoints"):
            flink.restart()

    flink.when = vanish
    observed = Observer(rest, "demo").observe("aa")
    assert (observed.problem, observed.watched) == (None, None)
