"""Why an app says that it is not healthy, from its log. An engine knows only that a check failed."""

from __future__ import annotations

import re
from datetime import UTC

from cli.engine.protocol import Engine, LogStream, newest_task
from cli.errors import EngineError

LINES = 200
_SHOWN = 100
_STREAMS: tuple[LogStream, ...] = ("stdout", "stderr")
# task_runtime/health_log.py writes these lines, after the time.
_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ (?:\w+: )?(?:not healthy: (.+)|healthy)$", re.MULTILINE)


def health_reason(engine: Engine, app_id: str) -> str | None:
    """The reason in the last line about its health in the log of the app's newest task; without one, how its
    last task failed.

    None if the newest task says nothing and none of this version has failed, or if that cannot be read.
    """
    try:
        task = newest_task(engine, app_id)
        return (_said(engine, task.id) if task else None) or _failure(engine, app_id)
    except EngineError:
        return None


def _said(engine: Engine, task_id: str) -> str | None:
    for stream in _STREAMS:
        if found := _LINE.findall(engine.logs(task_id, stream, LINES)):
            return found[-1] or None
    return None


def _failure(engine: Engine, app_id: str) -> str | None:
    """An app that keeps ending may be healthy as often as anybody asks: its last words say why it ends."""
    app, failure = engine.apps().get(app_id), engine.last_failure(app_id)
    if app is None or failure is None or failure.time < app.revised_at:
        return None
    words = engine.logs(failure.task_id, "stderr", 1, ended=True).strip()
    # `local` adds them to its message.
    said = (
        failure.message if not words or words[:_SHOWN] in failure.message else f"{failure.message}: {words}"
    )
    return f"a task failed at {failure.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC: {said}"
