"""Compares app definitions with the cluster's, without the defaults that Marathon fills in."""

from collections.abc import Mapping
from typing import Any

from cli.engine.json_diff import json_diff

# Maps with the user's own keys: a key that is no longer wanted is a difference.
_EXACT = frozenset({"env", "labels"})
_EITHER = frozenset({"cmd", "args"})
_ABSENT = None
# The values that Marathon 1.5 to 1.11 shows for keys that a definition omits. Sending the first one resets
# the key, unless it is _ABSENT.
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
    """The unified diff from `current` to `wanted`; empty if nothing has to change.

    It compares the keys in `wanted`, and other keys of `current` whose value is not a default of Marathon's.
    A port 0 matches the number that the server chose.
    """
    return json_diff(wanted, _comparable(wanted, current) if current else None)


def document_diff(wanted: Mapping[str, Any], current: Mapping[str, Any], current_name: str) -> list[str]:
    """The unified diff of all keys from `current`, which it calls `current_name`, to `wanted`.

    The form of numbers, the order of keys, and null values do not matter.
    """
    return json_diff(_plain(wanted), _plain(current), current_name)


def stale_keys(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """The top-level keys that an earlier definition set and `wanted` no longer has."""
    return [key for key, value in current.items() if key not in wanted and _was_set("", key, value)]


def resets(wanted: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any] | None:
    """The keys that an update must reset in addition to `wanted`, since it keeps keys that it omits.

    None if a stale key has no default to send. Then only a new app gets rid of it.
    """
    found: dict[str, Any] = {}
    for key in stale_keys(wanted, current):
        default = _APP[key][0]
        if default is _ABSENT:
            # Marathon drops one of these when it gets the other.
            if key in _EITHER and _EITHER & wanted.keys():
                continue
            return None
        found[key] = default
    return found


def definition_of(app: Mapping[str, Any]) -> dict[str, Any]:
    """The definition inside an app as Marathon shows it, ready to be sent again."""
    return {k: v for k, v in app.items() if v is not None and (k in _APP or k in {"id", "portDefinitions"})}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _was_set(parent: str, key: str, value: Any) -> bool:
    """Whether a definition set this value. Keys that do not belong to a definition never are."""
    defaults = _DEFAULTS.get(parent, {}).get(key)
    return defaults is not None and value is not None and not any(value == default for default in defaults)


def _comparable(wanted: Any, current: Any, key: str = "") -> Any:
    """`current` reduced to the keys of `wanted`, with equal number forms and server-chosen values."""
    if isinstance(wanted, Mapping) and isinstance(current, Mapping):
        if key in _EXACT:
            return {k: _comparable(wanted.get(k), v) for k, v in current.items()}
        common = {k: _comparable(v, current[k], k) for k, v in wanted.items() if k in current}
        return common | {k: v for k, v in current.items() if k not in wanted and _was_set(key, k, v)}
    if isinstance(wanted, list) and isinstance(current, list):
        seen = [_comparable(w, c, key) for w, c in zip(wanted, current, strict=False)]
        return seen + current[len(wanted) :]
    if key in {"port", "hostPort"} and wanted == 0:
        return 0
    if isinstance(wanted, int | float) and not isinstance(wanted, bool) and wanted == current:
        return wanted
    return current
