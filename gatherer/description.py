"""What the job is, for the program that submits and resumes it (see flink_scripts' README for the form)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from gatherer.settings import Settings
from gatherer.statements import (
    PLANNER_OPTIONS,
    analysis_input,
    limits_table,
    output_table,
    prices_table,
)

# Raised whenever the job changes in a way that makes old state unusable or wrong.
STATE_VERSION = 2


def describe(settings: Settings) -> str:
    """One line of JSON.

    state: what shapes the job's state; state of another shape can't be restored. Windows, statistics and
    signals may change: all are made of the panes that are kept.
    definition: all that makes the running job what it is; a job with another definition has to be replaced.
    topics: the topics that the state belongs to; recreated topics make it worthless.
    """
    topics = settings.topics
    statements = [prices_table, limits_table, output_table, analysis_input]
    return json.dumps(
        {
            "state": {"version": STATE_VERSION, "pane_ms": settings.pane_ms, "histogram": settings.histogram},
            "definition": {
                "statements": [statement(settings) for statement in statements],
                "options": PLANNER_OPTIONS,
                "windows": [list(window) for window in settings.analysis.windows],
                "statistics": sorted(settings.statistics),
                "ewma_half_life_ms": settings.ewma_half_life_ms,
                "signals": settings.signals,
                "code": _code(),
            },
            "topics": [topics.moving_average, topics.signals, topics.dead_letter, topics.limits],
        }
    )


def _code() -> str:
    """Digest of the analysis that workers run: another image may bring another one."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
