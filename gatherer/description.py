"""What the job is, for the program that submits and resumes it (see flink_scripts' README for the form)."""

from __future__ import annotations

import json

from gatherer.settings import Settings
from gatherer.statements import PLANNER_OPTIONS, moving_average_table, prices_table, statistics

# Raised whenever the statements change in a way that makes old state unusable or wrong.
STATE_VERSION = 1


def describe(settings: Settings) -> str:
    """One line of JSON.

    state: what shapes the job's state; state of another shape can't be restored.
    definition: all that makes the running job what it is; a job with another definition has to be replaced.
    topics: the topics that the state belongs to; recreated topics make it worthless.
    """
    statements = [prices_table(settings), moving_average_table(settings), statistics(settings)]
    return json.dumps(
        {
            "state": {
                "version": STATE_VERSION,
                "window_ms": settings.window_ms,
                "slide_ms": settings.slide_ms,
            },
            "definition": {"statements": statements, "options": PLANNER_OPTIONS},
            "topics": [settings.topics.moving_average],
        }
    )
