"""How a definition differs from what the cluster has; what Marathon fills in by itself is no difference."""

import difflib
import json
from collections.abc import Mapping
from typing import Any

# Maps in which every key is the user's: one that is there and no longer wanted is a difference.
_EXACT = frozenset({"env", "labels"})


def differences(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """The unified diff, line by line, from `current` to `wanted`; empty when nothing has to change.

    Only what `wanted` names is compared. Marathon adds defaults, and a port 0 stays 0 in the definition's
    meaning though the server shows the number that it chose.
    """
    left = _dump(_seen_as(wanted, current)) if current else []
    right = _dump(wanted)
    return list(difflib.unified_diff(left, right, "on the cluster", "wanted", n=2, lineterm=""))


def _dump(value: Any) -> list[str]:
    return json.dumps(value, indent=2, sort_keys=True).splitlines()


def _seen_as(wanted: Any, current: Any, key: str = "") -> Any:
    """`current` reduced to what `wanted` speaks of, number forms and server-chosen values made alike."""
    if isinstance(wanted, Mapping) and isinstance(current, Mapping):
        if key in _EXACT:
            return {k: _seen_as(wanted.get(k), v) for k, v in current.items()}
        return {k: _seen_as(v, current[k], k) for k, v in wanted.items() if k in current}
    if isinstance(wanted, list) and isinstance(current, list):
        return [_seen_as(w, c) for w, c in zip(wanted, current, strict=False)] + current[len(wanted) :]
    if key in {"port", "hostPort"} and wanted == 0:
        return 0
    if isinstance(wanted, int | float) and not isinstance(wanted, bool) and wanted == current:
        return wanted
    return current
