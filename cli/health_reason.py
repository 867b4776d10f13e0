"""Why an app is not healthy: what its log says, or how its last task failed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cli import output as out
from cli.engine.protocol import Engine, LogStream, newest_task
from cli.errors import EngineError

LINES = 200
_SHOWN = 100
# A task that has run for longer has not ended for that reason.
_RECENT = timedelta(minutes=10)
_STREAMS: tuple[LogStream, ...] = ("stdout", "stderr")
# task_runtime/health_log.py writes these lines, after the time.
_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ (?:\w+: )?(?:not healthy: (.+)|healthy)$", re.MULTILINE)


def health_reason(engine: Engine, app_id: str) -> str | None:
    """The reason in the last line about its health in the log of the app's newest task; without one, how its
    last task failed.

    None if the newest task says nothing and none of this version has failed lately, or if that cannot be
    read.
    """
    try:
        task = newest_task(engine, app_id)
        said = _said(engine, task.id) if task else None
        return said or _failure(engine, app_id, since=datetime.now(UTC) - _RECENT if task else None)
    except EngineError:
        return None


def _said(engine: Engine, task_id: str) -> str | None:
    for stream in _STREAMS:
        if found := _LINE.findall(_log(engine, task_id, stream, LINES)):
            return found[-1] or None
    return None


def _failure(engine: Engine, app_id: str, *, since: datetime | None) -> str | None:
    """An app that keeps ending may be healthy as often as anybody asks: its last words say why it ends."""
    app, failure = engine.apps().get(app_id), engine.last_failure(app_id)
    if app is None or failure is None or failure.time < max(app.revised_at, since or app.revised_at):
        return None
    said = failure.message
    if failure.state == "TASK_FAILED":
        words = _log(engine, failure.task_id, "stderr", 1, ended=True).strip()
        # `local` adds them to its message.
        said = said if not words or words[:_SHOWN] in said else f"{said}: {words}"
    return f"a task failed at {failure.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC: {out.one_line(said)}"


def _log(engine: Engine, task_id: str, stream: LogStream, lines: int, *, ended: bool = False) -> str:
    """Nothing if it cannot be read: the task may have ended meanwhile, or its agent may be away."""
    try:
        return engine.logs(task_id, stream, lines, ended=ended)
    except EngineError:
        return ""
