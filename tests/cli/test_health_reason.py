"""`status` shows why an app is not healthy, from its log."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable

import pytest

from cli.engine.memory import MemoryEngine
from cli.engine.protocol import LogStream, Manifest
from cli.health_reason import health_reason
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


def test_the_generator_says_it_on_stderr(engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch) -> None:
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
