"""`status` shows why an app is not healthy, from its log."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cli.commands.status import _components, _flow, _show
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Failure, LogStream, Manifest
from cli.errors import EngineError
from cli.health_reason import health_reason
from cli.live_config import live_config
from cli.session import Session
from flink_scripts.job import _log as log_of_a_job
from task_runtime.health_log import logged
from task_runtime.process import log_to_stderr

APP = "/volatility/data-generator"


@pytest.fixture
def engine() -> MemoryEngine:
    engine = MemoryEngine()
    engine.create(Manifest(APP, {}, 1, {}, {"id": APP}))
    return engine


def printed(engine: MemoryEngine, stream: LogStream, text: str) -> None:
    (task,) = engine.tasks(APP)
    engine.printed[task.id, stream] = text


def say(log: Callable[[str], None], *reasons: str | None) -> None:
    for reason in reasons:
        logged(lambda reason=reason: (503 if reason else 200, {"reason": reason}), log)()


def test_the_last_reason_counts(engine: MemoryEngine, capsys: pytest.CaptureFixture[str]) -> None:
    say(log_of_a_job, "submitting the job", None, "job RESTARTING, tasks FAILED")
    printed(engine, "stdout", capsys.readouterr().out)
    assert health_reason(engine, APP) == "job RESTARTING, tasks FAILED"
    say(log_of_a_job, "job RESTARTING, tasks FAILED", None)
    printed(engine, "stdout", capsys.readouterr().out)
    assert health_reason(engine, APP) is None


def test_the_generator_reports_the_reason_on_stderr(
    engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log_to_stderr("data_generator")
    say(logging.getLogger("data_generator.pages").info, "topics are missing: position.AAPL")
    printed(engine, "stderr", stream.getvalue())
    assert health_reason(engine, APP) == "topics are missing: position.AAPL"


def test_an_app_that_says_nothing_has_no_reason(engine: MemoryEngine) -> None:
    assert health_reason(engine, APP) is None
    printed(engine, "stdout", "all is healthy\nnot healthy: said by a record\n")
    assert health_reason(engine, APP) is None
    assert health_reason(engine, "/other") is None


@pytest.mark.parametrize(
    "message",
    ["Command exited with status 1: sink: refused", "Command exited with status 1"],
    ids=["local", "dcos"],
)
def test_an_app_that_keeps_ending_has_its_last_words_as_reason(
    engine: MemoryEngine, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    say(log_of_a_job, None)
    printed(engine, "stdout", capsys.readouterr().out)
    failed_at = datetime(2100, 1, 1, 2, 3, 4, tzinfo=UTC)
    engine.failures[APP] = Failure(failed_at, "ended", "TASK_FAILED", message)
    engine.printed["ended", "stderr"] = "carrying records\nsink: refused\n"
    expected = "a task failed at 2100-01-01 02:03:04 UTC: Command exited with status 1: sink: refused"
    assert health_reason(engine, APP) == expected
    say(log_of_a_job, "no broker answers")
    printed(engine, "stdout", capsys.readouterr().out)
    assert health_reason(engine, APP) == "no broker answers"


def test_a_failure_of_an_older_version_is_no_reason(engine: MemoryEngine) -> None:
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    engine.failures[APP] = Failure(long_ago, "ended", "TASK_FAILED", "Command exited with status 1")
    assert health_reason(engine, APP) is None


def test_an_old_failure_is_no_reason_while_a_task_runs(engine: MemoryEngine) -> None:
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    engine.put(engine.apps()[APP], revised_at=an_hour_ago - timedelta(hours=1))
    engine.failures[APP] = Failure(an_hour_ago, "ended", "TASK_FAILED", "Command exited with status 1")
    assert health_reason(engine, APP) is None
    engine.put(engine.apps()[APP], running=0, healthy=0)
    assert engine.tasks(APP) == []
    assert "Command exited with status 1" in (health_reason(engine, APP) or "")


def test_a_failure_is_told_though_no_log_can_be_read(
    engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object, **__: object) -> str:
        raise EngineError(["dcos", "task", "log"], 1, "", "no task")

    monkeypatch.setattr(engine, "logs", unreadable)
    engine.failures[APP] = Failure(datetime(2100, 1, 1, tzinfo=UTC), "ended", "TASK_FAILED", "status 1")
    assert (health_reason(engine, APP) or "").endswith("UTC: status 1")


def test_a_failure_is_told_in_one_line_without_words_that_are_not_about_it(engine: MemoryEngine) -> None:
    """The words of a task that did not end by itself are not about its end."""
    engine.failures[APP] = Failure(datetime(2100, 1, 1, tzinfo=UTC), "gone", "TASK_LOST", "away\x1b[31m\nnow")
    assert (health_reason(engine, APP) or "").endswith("UTC: away\ufffd[31m\ufffdnow")
    engine.failures[APP] = Failure(datetime(2100, 1, 1, tzinfo=UTC), "gone", "TASK_KILLED", "no answer")
    engine.printed["gone", "stderr"] = "a tick was late\n"
    assert (health_reason(engine, APP) or "").endswith("UTC: no answer")


def test_status_shows_the_reason_of_an_app_that_is_not_healthy() -> None:
    engine = MemoryEngine()
    run = Session("prod", (), ("kafka.bootstrap_servers='127.0.0.1:1'",), verbose=False)
    run.__dict__["engine"] = engine
    app = run.bundle.apps["gatherer"]
    engine.create(Manifest.of(app))
    engine.put(engine.apps()[app.id], healthy=0)
    line = "2026-11-28 16:02:03 not healthy: job RESTARTING, tasks FAILED\n"
    engine.printed[engine.tasks(app.id)[0].id, "stdout"] = line
    found = {each["name"]: each for each in _components(run, engine)}
    assert found["gatherer"]["state"] == "unhealthy"
    assert found["gatherer"]["detail"] == "0/1 healthy: job RESTARTING, tasks FAILED"


def test_status_says_that_the_name_of_the_brokers_cannot_be_resolved(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Session("prod", (), ("kafka.bootstrap_servers='nowhere.invalid:9092'",), verbose=False)
    run.__dict__["engine"] = MemoryEngine()
    config = live_config(run)
    flow = _flow(run, config)
    assert {position["state"] for position in flow.positions} == {"unknown"}
    _show(run, [], flow, [], None, False)
    said = capsys.readouterr().err
    assert "positions: no broker answers at nowhere.invalid:9092: the name nowhere.invalid cannot be" in said
