"""The unified diff of two JSON documents."""

import difflib
import json
from typing import Any


def json_diff(wanted: Any, current: Any, current_name: str = "on the cluster") -> list[str]:
    """The lines of the diff from `current` (None: absent) to `wanted`; empty if they are equal."""
    left, right = (
        [] if value is None else json.dumps(value, indent=2, sort_keys=True).splitlines()
        for value in (current, wanted)
    )
    return list(difflib.unified_diff(left, right, current_name, "wanted", n=2, lineterm=""))
