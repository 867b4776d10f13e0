"""How a definition differs from what the cluster has; what Marathon fills in by itself is no difference."""

import difflib
import json
from collections.abc import Mapping
from typing import Any

# Maps in which every key is the user's: one that is there and no longer wanted is a difference.
_EXACT = frozenset({"env", "labels"})
_EITHER = frozenset({"cmd", "args"})
_ABSENT = None
# What Marathon 1.5 to 1.11 shows for a key that the definition leaves out: any of these is its own doing.
# Sending the first of them resets the key, unless that is _ABSENT.
_APP: Mapping[str, tuple[Any, ...]] = {
    "acceptedResourceRoles": (["*"], [], _ABSENT),
    "args": (_ABSENT, []),
    "backoffFactor": (1.15,),
    "backoffSeconds": (1,),
    "check": (_ABSENT,),
    "cmd": (_ABSENT,),
    "constraints": ([],),
    "container": (_ABSENT,),
    "cpus": (1,),
    "dependencies": ([],),
    "disk": (0,),
    "env": ({},),
    "executor": ("",),
    "executorResources": (_ABSENT,),
    "fetch": ([],),
    "gpus": (0,),
    "healthChecks": ([],),
    "instances": (1,),
    "killSelection": ("YOUNGEST_FIRST",),
    "labels": ({},),
    "maxLaunchDelaySeconds": (300, 3600),
    "mem": (128,),
    "networks": ([{"mode": "host"}], [{"mode": "container/bridge"}]),
    "readinessChecks": ([],),
    "requirePorts": (False,),
    "residency": (_ABSENT,),
    "resourceLimits": (_ABSENT,),
    "secrets": ({},),
    "taskKillGracePeriodSeconds": (_ABSENT,),
    "tty": (_ABSENT, False),
    "unreachableStrategy": (
        {"inactiveAfterSeconds": 0, "expungeAfterSeconds": 0},
        {"inactiveAfterSeconds": 300, "expungeAfterSeconds": 600},
        "disabled",
    ),
    "upgradeStrategy": (
        {"minimumHealthCapacity": 1, "maximumOverCapacity": 1},
        {"minimumHealthCapacity": 0, "maximumOverCapacity": 0},
        {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0},
    ),
    "user": (_ABSENT,),
}
_CHECK: Mapping[str, tuple[Any, ...]] = {
    "delaySeconds": (15,),
    "gracePeriodSeconds": (300,),
    "ignoreHttp1xx": (False,),
    "intervalSeconds": (60,),
    "ipProtocol": ("IPv4",),
    "maxConsecutiveFailures": (3,),
    "path": ("/",),
    "port": (_ABSENT,),
    "portIndex": (0,),
    "protocol": ("HTTP",),
    "timeoutSeconds": (20,),
}
_PORT: Mapping[str, tuple[Any, ...]] = {"labels": ({},), "name": (_ABSENT,), "protocol": ("tcp",)}
_DEFAULTS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "": _APP,
    "healthChecks": _CHECK,
    "portDefinitions": _PORT,
    "portMappings": _PORT,
    "docker": {"forcePullImage": (False,), "parameters": ([],), "privileged": (False,)},
    "container": {"volumes": ([],), "portMappings": (_ABSENT, [])},
}


def differences(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """The unified diff, line by line, from `current` to `wanted`; empty when nothing has to change.

    Compared is what `wanted` names, and what `current` has besides although it is no default of Marathon's:
    something that was set once. A port 0 stays 0 in the definition's meaning, though the server shows the
    number that it chose.
    """
    left = _dump(_seen_as(wanted, current)) if current else []
    right = _dump(wanted)
    return list(difflib.unified_diff(left, right, "on the cluster", "wanted", n=2, lineterm=""))


def document_diff(wanted: Mapping[str, Any], current: Mapping[str, Any], there: str) -> list[str]:
    """The unified diff from `current`, named `there`, to `wanted`, in which every key counts.

    Only number forms, the order of keys and keys that are null make no difference.
    """
    left, right = _dump(_plain(current)), _dump(_plain(wanted))
    return list(difflib.unified_diff(left, right, there, "wanted", n=2, lineterm=""))


def stale_keys(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """The top-level keys that `current` has from an earlier definition and `wanted` no longer names."""
    return [key for key, value in current.items() if key not in wanted and _was_set("", key, value)]


def resets(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an update must send besides `wanted`, as it leaves alone what it does not name.

    None when a leftover has no default that could be sent: then only a new app is without it.
    """
    found: dict[str, Any] = {}
    for key in stale_keys(wanted, current):
        default = _APP[key][0]
        if default is _ABSENT:
            # Marathon itself drops one of these when it is given the other.
            if key in _EITHER and _EITHER & wanted.keys():
                continue
            return None
        found[key] = default
    return found


def definition_of(app: Mapping[str, Any]) -> dict[str, Any]:
    """The definition inside an app as Marathon shows it, fit to be sent again."""
    return {k: v for k, v in app.items() if v is not None and (k in _APP or k in {"id", "portDefinitions"})}


def _dump(value: Any) -> list[str]:
    return json.dumps(value, indent=2, sort_keys=True).splitlines()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _was_set(parent: str, key: str, value: Any) -> bool:
    """Whether a value that is there was set by a definition; keys that are not a definition's never are."""
    defaults = _DEFAULTS.get(parent, {}).get(key)
    return defaults is not None and value is not None and not any(value == default for default in defaults)


def _seen_as(wanted: Any, current: Any, key: str = "") -> Any:
    """`current` reduced to what `wanted` speaks of, number forms and server-chosen values made alike."""
    if isinstance(wanted, Mapping) and isinstance(current, Mapping):
        if key in _EXACT:
            return {k: _seen_as(wanted.get(k), v) for k, v in current.items()}
        spoken_of = {k: _seen_as(v, current[k], k) for k, v in wanted.items() if k in current}
        return spoken_of | {k: v for k, v in current.items() if k not in wanted and _was_set(key, k, v)}
    if isinstance(wanted, list) and isinstance(current, list):
        seen = [_seen_as(w, c, key) for w, c in zip(wanted, current, strict=False)]
        return seen + current[len(wanted) :]
    if key in {"port", "hostPort"} and wanted == 0:
        return 0
    if isinstance(wanted, int | float) and not isinstance(wanted, bool) and wanted == current:
        return wanted
    return current
