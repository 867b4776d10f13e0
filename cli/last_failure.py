"""The last failure of the gatherer's job, from its app's log. An engine knows processes, not jobs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cli.engine.protocol import Engine, newest_task
from cli.errors import EngineError

# The log is short: one line per failure, restart and change of a topic.
LINES = 200
_FAILURE = re.compile(r"\bjob failure at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}) UTC: (.+)")


@dataclass(frozen=True)
class LastFailure:
    """time: `2026-11-22 01:02:03.004`, UTC. reason: the root cause in one line."""

    time: str
    reason: str


def last_failure(engine: Engine, app_id: str) -> LastFailure | None:
    """The last failure in the log of the app's newest task, else in that of the last failed task.

    None if there is none or the logs cannot be read: this is information only.
    """
    try:
        newest = newest_task(engine, app_id)
        if newest and (found := _failure_in(engine, newest.id)):
            return found
        ended = engine.last_failure(app_id)
        return _failure_in(engine, ended.task_id) if ended else None
    except EngineError:
        return None


def _failure_in(engine: Engine, task_id: str) -> LastFailure | None:
    try:
        log = engine.logs(task_id, "stdout", LINES, ended=True)
    except EngineError:
        return None
    found = _FAILURE.findall(log)
    return LastFailure(*found[-1]) if found else None
