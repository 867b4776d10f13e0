"""Why the gatherer's job failed last, as its app's own log has it: an engine knows only of processes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cli.engine.protocol import Engine, newest_task
from cli.errors import EngineError

# The app says little: a line for each failure, restart and change of a topic.
LINES = 200
_FAILURE = re.compile(r"\bjob failure at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC: (.+)")


@dataclass(frozen=True)
class LastFailure:
    """time: `2026-11-22 01:02:03.004`, UTC. reason: the root cause, in a line."""

    time: str
    reason: str


def last_failure(engine: Engine, app_id: str) -> LastFailure | None:
    """The last failure that the app's newest task tells, or else the task that ended before it.

    None when neither tells one or their logs can't be read: it is for information only.
    """
    try:
        newest = newest_task(engine, app_id)
        if newest and (found := _told_by(engine, newest.id)):
            return found
        ended = engine.last_failure(app_id)
        return _told_by(engine, ended.task_id) if ended else None
    except EngineError:
        return None


def _told_by(engine: Engine, task_id: str) -> LastFailure | None:
    try:
        log = engine.logs(task_id, "stdout", LINES, ended=True)
    except EngineError:
        return None
    found = _FAILURE.findall(log)
    return LastFailure(*found[-1]) if found else None
