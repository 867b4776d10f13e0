"""The package `kafka`: its options, and the Marathon app that installs it."""

import base64
import hashlib
import json
import sys
from functools import cache
from pathlib import Path

from local_dcos.model import Json

NAME = "kafka"
# As in the DC/OS catalogue: the version of the service, then the version of Kafka.
VERSION = "2.10.0-4.1.0"
COMMAND_FILE = Path(__file__).parent.parent / "client" / "kafka.py"

# What lists show of the package.
SUMMARY: Json = {
    "packagingVersion": "4.0",
    "name": NAME,
    "version": VERSION,
    "releaseVersion": 0,
    "maintainer": "local_dcos",
    "description": "One Apache Kafka broker (KRaft) on this machine, with the API of the DC/OS Kafka service",
    "tags": ["message", "broker", "pubsub", "kafka"],
    "selected": True,
    "framework": True,
    "preInstallNotes": "This service runs one Apache Kafka broker on this machine.",
    "postInstallNotes": "The Kafka service is starting. To follow it: dcos kafka plan status deploy",
    "postUninstallNotes": "The Kafka service was removed. Its data stay in the folder of the cluster.",
}
OPTIONS: Json = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "service": {
            "type": "object",
            "description": "The service itself",
            "additionalProperties": False,
            "properties": {
                "name": {
                    "type": "string",
                    "description": "Name of the service, and id of its Marathon app",
                    "pattern": "^/?[a-z0-9]([a-z0-9-]*[a-z0-9])?(/[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
                    "default": "kafka",
                },
            },
        },
        "brokers": {
            "type": "object",
            "description": "The brokers",
            "additionalProperties": False,
            "properties": {
                "count": {
                    "type": "integer",
                    "description": "Number of brokers; only 1 is possible",
                    "minimum": 1,
                    "maximum": 1,
                    "default": 1,
                },
                "port": {
                    "type": "integer",
                    "description": "Port of the broker; 0 chooses a free one, which is kept",
                    "minimum": 0,
                    "maximum": 65535,
                    "default": 9092,
                },
                "cpus": {"type": "number", "description": "CPU shares", "minimum": 0.1, "default": 0.5},
                "mem": {"type": "integer", "description": "Memory in MB", "minimum": 256, "default": 1024},
                "disk": {
                    "type": "integer",
                    "description": "Disk in MB; it is not limited here",
                    "minimum": 1,
                },
                "heap": {
                    "type": "object",
                    "description": "The broker's Java heap",
                    "additionalProperties": False,
                    "properties": {
                        "size": {
                            "type": "integer",
                            "description": "Heap in MB",
                            "minimum": 128,
                            "default": 512,
                        },
                    },
                },
            },
        },
        "kafka": {
            "type": "object",
            "description": "Options of the DC/OS catalogue; they have no effect here",
            "properties": {},
        },
    },
}


def _with_defaults(schema: Json, given: Json) -> Json:
    result = dict(given)
    for key, inner in schema["properties"].items():
        if inner["type"] == "object":
            result[key] = _with_defaults(inner, given.get(key, {}))
        elif "default" in inner:
            result.setdefault(key, inner["default"])
    return result


def app_definition(given: Json) -> Json:
    """Returns the Marathon app of a service with these options. The others have their defaults."""
    options = _with_defaults(OPTIONS, given)
    name, port = options["service"]["name"].strip("/"), options["brokers"]["port"]
    ports: list[Json] = [{"name": "api", "port": 0, "protocol": "tcp"}]
    if port:
        ports.append({"name": "broker", "port": port, "protocol": "tcp"})
    return {
        "id": f"/{name}",
        "args": [sys.executable, "-m", "local_dcos.kafka"],
        "cpus": options["brokers"]["cpus"],
        "mem": options["brokers"]["mem"],
        "instances": 1,
        "env": {"KAFKA_SERVICE_NAME": name, "KAFKA_HEAP_MB": str(options["brokers"]["heap"]["size"])},
        "portDefinitions": ports,
        # Only a broker on a given port requires that port.
        "requirePorts": bool(port),
        "taskKillGracePeriodSeconds": 30,
        "backoffSeconds": 1,
        "backoffFactor": 1.5,
        "maxLaunchDelaySeconds": 60,
        "upgradeStrategy": {"minimumHealthCapacity": 0, "maximumOverCapacity": 0},
        "healthChecks": [
            {
                "protocol": "HTTP",
                "path": "/v1/health",
                "portIndex": 0,
                "gracePeriodSeconds": 900,
                "intervalSeconds": 5,
                "timeoutSeconds": 10,
                "maxConsecutiveFailures": 3,
            }
        ],
        "labels": {
            "DCOS_COMMONS_API_VERSION": "v1",
            "DCOS_PACKAGE_FRAMEWORK_NAME": name,
            "DCOS_PACKAGE_NAME": NAME,
            "DCOS_PACKAGE_VERSION": VERSION,
            # Without the defaults, as Cosmos does.
            "DCOS_PACKAGE_OPTIONS": base64.b64encode(json.dumps(given).encode()).decode(),
            "DCOS_SERVICE_NAME": name,
            "DCOS_SERVICE_PORT_INDEX": "0",
            "DCOS_SERVICE_SCHEME": "http",
            "MARATHON_SINGLE_INSTANCE_APP": "true",
        },
    }


@cache
def command_script() -> bytes:
    """Returns the program behind `dcos kafka`, which is one file."""
    return COMMAND_FILE.read_bytes()


def package_definition(base_url: str) -> Json:
    """Returns the package as Cosmos describes it (packaging version 4.0)."""
    executable = {
        "kind": "executable",
        "url": f"{base_url}/package-resource/kafka/dcos-kafka",
        "contentHash": [{"algo": "sha256", "value": hashlib.sha256(command_script()).hexdigest()}],
    }
    template = json.dumps(app_definition({}), indent=2, sort_keys=True)
    return {
        **SUMMARY,
        "marathon": {"v2AppMustacheTemplate": base64.b64encode(template.encode()).decode()},
        "config": OPTIONS,
        "resource": {
            "assets": {},
            "images": {},
            "cli": {"binaries": {system: {"x86-64": executable} for system in ("linux", "darwin")}},
        },
    }
