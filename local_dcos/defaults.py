"""The defaults of an app definition, as Marathon 1.9 shows them in its answers."""

import copy
from collections.abc import Callable

from local_dcos.model import Json

ROLE = "*"
"""The role of an app outside of groups that enforce theirs."""
_APP: Json = {
    "acceptedResourceRoles": ["*"],
    "backoffFactor": 1.15,
    "backoffSeconds": 1,
    "constraints": [],
    "cpus": 1,
    "dependencies": [],
    "disk": 0,
    "env": {},
    "executor": "",
    "fetch": [],
    "gpus": 0,
    "healthChecks": [],
    "instances": 1,
    "killSelection": "YOUNGEST_FIRST",
    "labels": {},
    "maxLaunchDelaySeconds": 300,
    "mem": 128,
    "requirePorts": False,
    "role": ROLE,
    "secrets": {},
    "unreachableStrategy": {"expungeAfterSeconds": 0, "inactiveAfterSeconds": 0},
}
_HEALTH_CHECK: Json = {
    "protocol": "HTTP",
    "gracePeriodSeconds": 300,
    "intervalSeconds": 60,
    "timeoutSeconds": 20,
    "maxConsecutiveFailures": 3,
    "delaySeconds": 15,
}
_PORT_DEFINITION: Json = {"port": 0, "protocol": "tcp", "labels": {}}
_PORT_MAPPING: Json = {"containerPort": 0, "hostPort": 0, "servicePort": 0, "protocol": "tcp", "labels": {}}


def fill(document: Json, service_port: Callable[[], int]) -> Json:
    """Returns a definition with all defaults.

    Args:
        document: A definition of the right shape with an absolute id.
        service_port: Returns a service port for a port that is 0.
    """
    app: Json = {**copy.deepcopy(_APP), **copy.deepcopy(document)}
    single = app["labels"].get("MARATHON_SINGLE_INSTANCE_APP") == "true"
    capacity = 0 if single else 1
    strategy = {"maximumOverCapacity": capacity, "minimumHealthCapacity": capacity}
    app["upgradeStrategy"] = {**strategy, **app.get("upgradeStrategy", {})}
    if isinstance(app["unreachableStrategy"], dict):
        app["unreachableStrategy"] = {**_APP["unreachableStrategy"], **app["unreachableStrategy"]}
    _fill_container(app)
    _fill_ports(app, service_port)
    app["healthChecks"] = [_health_check(check) for check in app["healthChecks"]]
    return app


def _fill_container(app: Json) -> None:
    container = app.get("container")
    if container is None:
        return
    docker = container.get("docker")
    container.setdefault("type", "DOCKER" if docker else "MESOS")
    container.setdefault("volumes", [])
    if docker is not None:
        docker.update({"forcePullImage": False, "privileged": False, "parameters": []} | docker)


def _fill_ports(app: Json, service_port: Callable[[], int]) -> None:
    # `ports` is the form of Marathon before 1.5. Older clients still send it.
    numbers = app.pop("ports", None)
    if numbers and "portDefinitions" not in app:
        app["portDefinitions"] = [{"port": number} for number in numbers]
    container = app.get("container") or {}
    if not app.get("networks"):
        app["networks"] = [{"mode": "container/bridge" if container.get("portMappings") else "host"}]
    for network in app["networks"]:
        network.setdefault("mode", "container")
    if app["networks"][0]["mode"] == "host":
        definitions = app.get("portDefinitions", [{"name": "default"}])
        app["portDefinitions"] = [{**_PORT_DEFINITION, **definition} for definition in definitions]
        for definition in app["portDefinitions"]:
            definition["port"] = definition["port"] or service_port()
    elif "portMappings" in container:
        container["portMappings"] = [{**_PORT_MAPPING, **one} for one in container["portMappings"]]
        for mapping in container["portMappings"]:
            mapping["servicePort"] = mapping["servicePort"] or service_port()


def _health_check(check: Json) -> Json:
    filled = {**_HEALTH_CHECK, **check}
    if filled["protocol"] != "COMMAND":
        if "port" not in filled:
            filled.setdefault("portIndex", 0)
        filled.setdefault("ipProtocol", "IPv4")
    if "HTTP" in filled["protocol"]:
        filled.setdefault("path", "/")
    if filled["protocol"] in ("HTTP", "HTTPS"):
        filled.setdefault("ignoreHttp1xx", False)
    return filled
