"""Marathon's semantic rules, which its JSON Schema does not check.

Each rule takes one app definition and yields the path and a message for each error. The rules follow the
validation of Marathon 1.5 to 1.11; where these differ, the strictest applies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from marathon.paths import KeyPath
from marathon.validators import is_id_segment

App = dict[str, Any]
Finding = tuple[KeyPath, str]
"""The path of a key in an app definition, and a message."""

_PORT_INDEX = re.compile(r"[0-9]{1,3}")
_READINESS_INTERVAL, _READINESS_TIMEOUT = 30, 10
"""Marathon's defaults, in seconds."""


def findings(app: App) -> Iterator[Finding]:
    """Every broken rule. `app` must match the schema."""
    for rule in RULES:
        yield from rule(app)


def lower_case_id(app: App) -> Iterator[Finding]:
    path = app.get("id", "")
    if not path.startswith("/") or not all(map(is_id_segment, path[1:].split("/"))):
        yield (
            ("id",),
            f"{path!r} is not an app id: start with /, and use lower-case letters, digits, - and . "
            "between slashes",
        )


def one_command(app: App) -> Iterator[Finding]:
    given = [key for key in ("cmd", "args") if app.get(key)]
    if len(given) == 2:
        yield ("cmd",), "cmd and args are mutually exclusive"
    elif not given and not _image(app):
        yield (), "needs args or cmd: without an image, it has no command"


def text_environment(app: App) -> Iterator[Finding]:
    for name, value in app.get("env", {}).items():
        if not isinstance(value, str | dict):
            yield ("env", name), f"environment variables must be text, got {value!r}"


def one_mesos_check(app: App) -> Iterator[Finding]:
    checks = [index for index, check in enumerate(_checks(app)) if _protocol(check) in _MESOS_NETWORK]
    for index in checks[1:]:
        yield (
            ("healthChecks", index),
            "an app can have only one MESOS_HTTP, MESOS_HTTPS or MESOS_TCP check",
        )


def mesos_checks_only(app: App) -> Iterator[Finding]:
    for index, check in enumerate(_checks(app)):
        if (protocol := _protocol(check)) in ("HTTP", "HTTPS", "TCP"):
            yield ("healthChecks", index, "protocol"), f"{protocol} is deprecated; write MESOS_{protocol}"


def known_command(app: App) -> Iterator[Finding]:
    for index, check in enumerate(_checks(app)):
        if _protocol(check) == "COMMAND" and not check.get("command", {}).get("value"):
            yield ("healthChecks", index), "a COMMAND check needs command.value"


def some_failures(app: App) -> Iterator[Finding]:
    for index, check in enumerate(_checks(app)):
        if _protocol(check) in _MESOS_NETWORK and check.get("maxConsecutiveFailures") == 0:
            path = ("healthChecks", index, "maxConsecutiveFailures")
            yield path, "0 kills the task at its first failed MESOS_* check; write 1 or more"


def known_port_index(app: App) -> Iterator[Finding]:
    ports = len(_ports(app))
    for index, check in enumerate(_checks(app)):
        needs_none = "port" in check or _protocol(check) == "COMMAND"
        port = check.get("portIndex", None if needs_none else 0)
        if port is not None and port >= ports:
            yield ("healthChecks", index, "portIndex"), f"there is no port {port}: the app has {ports}"
    port = app.get("labels", {}).get("DCOS_SERVICE_PORT_INDEX")
    if port is not None and not (_PORT_INDEX.fullmatch(port) and int(port) < ports):
        yield ("labels", "DCOS_SERVICE_PORT_INDEX"), f"there is no port {port}: the app has {ports}"


def known_port_name(app: App) -> Iterator[Finding]:
    names = [port.get("name") for port in _ports(app)]
    for index, check in enumerate(app.get("readinessChecks", [])):
        name = check.get("portName", "http-api")
        if name not in names:
            yield ("readinessChecks", index, "portName"), f"there is no port named {name!r}"


def distinct_ports(app: App) -> Iterator[Finding]:
    ports = _ports(app)
    where: KeyPath = ("portDefinitions",) if "host" in _modes(app) else ("container", "portMappings")
    for index, port in enumerate(ports):
        for key, said in (("name", "is already named"), ("port", "already has the number")):
            if port.get(key) and port[key] in [before.get(key) for before in ports[:index]]:
                yield (*where, index, key), f"another port {said} {port[key]!r}"


def ports_fit_network(app: App) -> Iterator[Finding]:
    modes = _modes(app)
    if "host" in modes and len(modes) > 1:
        yield ("networks",), "host networking cannot be combined with other networks"
    if "host" in modes and "portMappings" in app.get("container", {}):
        yield ("container", "portMappings"), "host networking has no port mappings; write portDefinitions"
    if "host" not in modes and "portDefinitions" in app:
        yield ("portDefinitions",), "only host networking has these; write container.portMappings"


def one_readiness_check(app: App) -> Iterator[Finding]:
    for index, check in enumerate(app.get("readinessChecks", [])):
        if index:
            yield ("readinessChecks", index), "an app can have only one readiness check"
        interval = check.get("intervalSeconds", _READINESS_INTERVAL)
        timeout = check.get("timeoutSeconds", _READINESS_TIMEOUT)
        if timeout >= interval:
            path = ("readinessChecks", index, "timeoutSeconds")
            yield path, f"{timeout} must be less than intervalSeconds, {interval}"


def declared_secrets(app: App) -> Iterator[Finding]:
    declared = app.get("secrets", {})
    used: list[tuple[KeyPath, object]] = [
        (("env", name, "secret"), value.get("secret"))
        for name, value in app.get("env", {}).items()
        if isinstance(value, dict)
    ]
    pull = app.get("container", {}).get("docker", {}).get("pullConfig", {})
    if "secret" in pull:
        used.append((("container", "docker", "pullConfig", "secret"), pull["secret"]))
    for path, secret in used:
        if secret not in declared:
            yield path, f"the secret {secret!r} is not declared under secrets"


def single_instance(app: App) -> Iterator[Finding]:
    if app.get("labels", {}).get("MARATHON_SINGLE_INSTANCE_APP") != "true":
        return
    if app.get("instances", 1) > 1:
        yield ("instances",), "an app labelled MARATHON_SINGLE_INSTANCE_APP has at most 1 instance"
    strategy = app.get("upgradeStrategy", {})
    for key, default in (("minimumHealthCapacity", 1), ("maximumOverCapacity", 1)):
        if strategy.get(key, default) != 0:
            yield ("upgradeStrategy", key), "must be 0 for an app labelled MARATHON_SINGLE_INSTANCE_APP"


def ordered_unreachable_strategy(app: App) -> Iterator[Finding]:
    strategy = app.get("unreachableStrategy", {})
    if not isinstance(strategy, dict):
        return
    inactive, expunge = strategy.get("inactiveAfterSeconds", 0), strategy.get("expungeAfterSeconds", 0)
    if inactive > expunge:
        path = ("unreachableStrategy", "inactiveAfterSeconds")
        yield path, f"{inactive} must not be more than expungeAfterSeconds, {expunge}"


def written_launch_delay(app: App) -> Iterator[Finding]:
    if "maxLaunchDelaySeconds" not in app:
        yield (), "write maxLaunchDelaySeconds: its default is 3600 up to Marathon 1.7, 300 from 1.9"


RULES: tuple[Callable[[App], Iterator[Finding]], ...] = (
    lower_case_id,
    one_command,
    text_environment,
    one_mesos_check,
    mesos_checks_only,
    known_command,
    some_failures,
    known_port_index,
    known_port_name,
    distinct_ports,
    ports_fit_network,
    one_readiness_check,
    declared_secrets,
    single_instance,
    ordered_unreachable_strategy,
    written_launch_delay,
)

_MESOS_NETWORK = ("MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP")


def _checks(app: App) -> list[dict[str, Any]]:
    checks: list[dict[str, Any]] = app.get("healthChecks", [])
    return checks


def _protocol(check: dict[str, Any]) -> str:
    return str(check.get("protocol", "HTTP"))


def _ports(app: App) -> list[dict[str, Any]]:
    ports: list[dict[str, Any]]
    if "host" in _modes(app):
        ports = app.get("portDefinitions", [{"name": "default"}])
    else:
        ports = app.get("container", {}).get("portMappings", [])
    return ports


def _modes(app: App) -> list[str]:
    return [network.get("mode", "container") for network in app.get("networks", [{"mode": "host"}])]


def _image(app: App) -> bool:
    return bool(app.get("container", {}).get("docker", {}).get("image"))
