"""The shape of an app definition: which keys exist and what type each value has.

A shape is a Python type, a tuple of allowed words, a list with the shape of its items, a dict of known keys,
or one of the classes below. Marathon's own words for a wrong type ("error.expected.jsnumber") are kept for
its clients.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Problem = tuple[str, str]


@dataclass(frozen=True)
class MapOf:
    """An object with any keys, every value of one shape."""

    value: Any


@dataclass(frozen=True)
class Number:
    """A number within bounds; whole unless `fraction`. A thousand million seconds are 31 years."""

    low: float = 0
    high: float = 1e9
    fraction: bool = False


@dataclass(frozen=True)
class OneOf:
    """A value of any of several shapes; `expected` is what the error says."""

    shapes: tuple[Any, ...]
    expected: str


# What one machine can be asked for.
MOST_INSTANCES = 200
MOST_ITEMS = 100
PORT = Number(0, 65535)
LABELS = MapOf(str)
PORT_DEFINITION = {"port": PORT, "protocol": ("tcp", "udp", "udp,tcp"), "name": str, "labels": LABELS}
PORT_MAPPING = {
    "containerPort": PORT,
    "hostPort": PORT,
    "servicePort": PORT,
    "protocol": ("tcp", "udp", "udp,tcp"),
    "name": str,
    "labels": LABELS,
    "networkNames": [str],
}
HEALTH_CHECK = {
    "protocol": ("HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"),
    "path": str,
    "portIndex": Number(),
    "port": PORT,
    "command": {"value": str},
    "gracePeriodSeconds": Number(),
    "intervalSeconds": Number(),
    "timeoutSeconds": Number(),
    "delaySeconds": Number(),
    "maxConsecutiveFailures": Number(),
    "ignoreHttp1xx": bool,
    "ipProtocol": ("IPv4", "IPv6"),
}
READINESS_CHECK = {
    "name": str,
    "protocol": ("HTTP", "HTTPS"),
    "path": str,
    "portName": str,
    "intervalSeconds": Number(),
    "timeoutSeconds": Number(),
    "httpStatusCodesForReady": [Number(100, 999)],
    "preserveLastResponse": bool,
}
CONTAINER = {
    "type": ("MESOS", "DOCKER"),
    "docker": {
        "image": str,
        "forcePullImage": bool,
        "privileged": bool,
        "parameters": [{"key": str, "value": str}],
        "credential": MapOf(str),
        "pullConfig": {"secret": str},
        "network": ("BRIDGE", "HOST", "NONE", "USER"),
        "portMappings": [PORT_MAPPING],
    },
    "volumes": [MapOf(object)],
    "portMappings": [PORT_MAPPING],
    "linuxInfo": MapOf(object),
}
APP = {
    "id": str,
    "cmd": str,
    "args": [str],
    "user": str,
    "env": MapOf(OneOf((str, {"secret": str}), "error.expected.jsstring")),
    "instances": Number(0, MOST_INSTANCES),
    "cpus": Number(fraction=True),
    "mem": Number(fraction=True),
    "disk": Number(fraction=True),
    "gpus": Number(),
    "executor": str,
    "executorResources": MapOf(Number(fraction=True)),
    "constraints": [[str]],
    "acceptedResourceRoles": [str],
    "role": str,
    "uris": [str],
    "fetch": [{"uri": str, "executable": bool, "extract": bool, "cache": bool, "destPath": str}],
    "storeUrls": [str],
    "ports": [PORT],
    "portDefinitions": [PORT_DEFINITION],
    "requirePorts": bool,
    "networks": [{"mode": ("host", "container", "container/bridge"), "name": str, "labels": LABELS}],
    "container": CONTAINER,
    "ipAddress": MapOf(object),
    "dependencies": [str],
    "healthChecks": [HEALTH_CHECK],
    "check": MapOf(object),
    "readinessChecks": [READINESS_CHECK],
    "backoffSeconds": Number(),
    "backoffFactor": Number(1, fraction=True),
    "maxLaunchDelaySeconds": Number(),
    "taskKillGracePeriodSeconds": Number(),
    "killSelection": ("YOUNGEST_FIRST", "OLDEST_FIRST"),
    "upgradeStrategy": {
        "minimumHealthCapacity": Number(0, 1, fraction=True),
        "maximumOverCapacity": Number(0, 1, fraction=True),
    },
    "unreachableStrategy": OneOf(
        ({"inactiveAfterSeconds": Number(), "expungeAfterSeconds": Number()}, ("disabled",)),
        "error.expected.jsobject",
    ),
    "residency": MapOf(object),
    "labels": LABELS,
    "secrets": MapOf({"source": str}),
    "resourceLimits": MapOf(object),
    "tty": bool,
}
GROUP: dict[str, Any] = {
    "id": str,
    "apps": [MapOf(object)],
    "dependencies": [str],
    "pods": [MapOf(object)],
    "scaleBy": Number(fraction=True),
    "version": str,
}
GROUP["groups"] = [GROUP]
_WORDS = {str: "jsstring", bool: "jsboolean"}


def problems(value: Any, shape: Any = APP, path: str = "") -> Iterator[Problem]:
    """Yields (path, error) where `value` doesn't have `shape`; paths are like "/healthChecks(0)/port"."""
    match shape:
        case MapOf(value=inner):
            if isinstance(value, dict):
                for key, item in value.items():
                    yield from problems(item, inner, f"{path}/{key}")
            else:
                yield path, "error.expected.jsobject"
        case Number():
            yield from _number(value, shape, path)
        case OneOf(shapes=shapes, expected=expected):
            if all(any(problems(value, one, path)) for one in shapes):
                yield path, expected
        case dict():
            yield from _object(value, shape, path)
        case [item_shape] if isinstance(shape, list):
            if isinstance(value, list) and len(value) > MOST_ITEMS and item_shape is not str:
                yield path, f"error.maxLength, expected at most {MOST_ITEMS} items"
            elif isinstance(value, list):
                for index, item in enumerate(value):
                    yield from problems(item, item_shape, f"{path}({index})")
            else:
                yield path, "error.expected.jsarray"
        case tuple():
            if value not in shape:
                yield path, f"error.unknown.enum.literal, expected one of: {', '.join(shape)}"
        case _:
            if not isinstance(value, shape):
                yield path, f"error.expected.{_WORDS.get(shape, 'jsobject')}"


def _object(value: Any, shape: dict[str, Any], path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield path or "/", "error.expected.jsobject"
        return
    for key, item in value.items():
        if key not in shape:
            yield f"{path}/{key}", "is not a known property"
        elif item is not None:
            yield from problems(item, shape[key], f"{path}/{key}")


def _number(value: Any, shape: Number, path: str) -> Iterator[Problem]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield path, "error.expected.jsnumber"
    elif not shape.fraction and isinstance(value, float):
        yield path, "error.expected.int"
    elif value < shape.low:
        yield path, f"error.min, expected at least {shape.low:g}"
    elif value > shape.high:
        yield path, f"error.max, expected at most {shape.high:g}"
