"""The description of the API: `openapi.json`, with what the catalogues of statistics and signals say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kafka_topic.contracts import SIDES
from kafka_topic.signal_kinds import SIGNAL_KINDS
from kafka_topic.statistics import FIELDS


def document() -> dict[str, Any]:
    """The whole description."""
    content: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    schemas = content["components"]["schemas"]
    for field in FIELDS.values():
        schemas["MovingAverage"]["properties"][field.name] = {
            "type": ["number", "null"],
            "description": f"{field.meaning}; unit: {field.unit}",
        }
    schemas["Signal"]["properties"] |= {
        "kind": {"enum": [*SIGNAL_KINDS]},
        "event": {"enum": [event.name for kind in SIGNAL_KINDS.values() for event in kind.events]},
        "side": {"enum": [*SIDES, None]},
    }
    return content
