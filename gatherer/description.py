"""Describes the job to the program that submits and resumes it (flink_scripts' README has the form)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import kafka_topic
from gatherer import analysis, panes
from gatherer.kafka import consumer_properties, producer_properties
from gatherer.settings import Settings
from gatherer.signals import WATCHERS

# Raise it whenever a change of the job's graph makes old state unusable or wrong.
_GRAPH_VERSION = 6


def describe(settings: Settings) -> str:
    """One line of JSON.

    state: what shapes the job's state; state of another shape can't be restored. Windows, statistics and
    signals may change, because all are made of the kept panes.
    definition: everything that defines the running job; a job with another definition must be replaced.
    topics: the topics to which the state belongs; it is worthless once they are recreated.
    """
    topics = settings.topics
    return json.dumps(
        {
            "state": {
                "versions": [_GRAPH_VERSION, analysis.STATE_VERSION, panes.VERSION],
                "pane_ms": settings.pane_ms,
                "histogram": settings.histogram,
                # Version 1 is left out: there is no older state that it could differ from.
                "signals": {
                    kind: watcher.VERSION for kind, watcher in WATCHERS.items() if watcher.VERSION > 1
                },
            },
            "definition": {
                "consumer": consumer_properties(settings),
                "producer": [settings.delivery, producer_properties(settings)],
                "positions": topics.position_pattern,
                "inputs": settings.inputs,
                "max_out_of_orderness_ms": settings.max_out_of_orderness_ms,
                "max_clock_skew_ms": settings.max_clock_skew_ms,
                "idle_timeout_ms": settings.idle_timeout_ms,
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
    """Digest of the code of the analysis, which another image may change. The jar has its own."""
    digest = hashlib.sha256()
    package, contracts = Path(__file__).parent, Path(kafka_topic.__file__).parent
    for path in sorted([*package.rglob("*.py"), *contracts.rglob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
