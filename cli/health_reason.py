"""Why an app says that it is not healthy, from its log. An engine knows only that a check failed."""

from __future__ import annotations

import re

from cli.engine.protocol import Engine, LogStream, newest_task
from cli.errors import EngineError

LINES = 200
_STREAMS: tuple[LogStream, ...] = ("stdout", "stderr")
# task_runtime/health_log.py writes these lines, after the time.
_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ (?:\w+: )?(?:not healthy: (.+)|healthy)$", re.MULTILINE)


def health_reason(engine: Engine, app_id: str) -> str | None:
    """The reason in the last line about its health in the log of the app's newest task.

    None if the app said nothing or is healthy by its own account, or if the log cannot be read.
    """
    try:
        task = newest_task(engine, app_id)
        if task is None:
            return None
        for stream in _STREAMS:
            if found := _LINE.findall(engine.logs(task.id, stream, LINES)):
                return found[-1] or None
    except EngineError:
        return None
    return None
