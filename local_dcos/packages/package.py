"""A package: what Cosmos says of it, its options, and the Marathon app of its scheduler."""

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local_dcos.model import Json

_COMMAND_FILE = Path(__file__).parent.parent / "client" / "service.py"


@dataclass(frozen=True)
class Package:
    """One package. summary: what lists show of it. options: the JSON Schema of its options.

    app: makes what is particular to it in the Marathon app, from options with all defaults.
    """

    summary: Json
    options: Json
    app: Callable[[Json], Json]

    @property
    def name(self) -> str:
        return str(self.summary["name"])

    @property
    def version(self) -> str:
        return str(self.summary["version"])

    def app_definition(self, given: Json) -> Json:
        """Returns the Marathon app of a service with these options. The others have their defaults."""
        options = _with_defaults(self.options, given)
        name = options["service"]["name"].strip("/")
        return {
            **self.app(options),
            "id": f"/{name}",
            "labels": {
                "DCOS_COMMONS_API_VERSION": "v1",
                "DCOS_PACKAGE_FRAMEWORK_NAME": name,
                "DCOS_PACKAGE_NAME": self.name,
                "DCOS_PACKAGE_VERSION": self.version,
                # Without the defaults, as Cosmos does.
                "DCOS_PACKAGE_OPTIONS": base64.b64encode(json.dumps(given).encode()).decode(),
                "DCOS_SERVICE_NAME": name,
                "DCOS_SERVICE_PORT_INDEX": "0",
                "DCOS_SERVICE_SCHEME": "http",
                "MARATHON_SINGLE_INSTANCE_APP": "true",
            },
        }

    def definition(self, base_url: str) -> Json:
        """Returns the package as Cosmos describes it (packaging version 4.0)."""
        executable = {
            "kind": "executable",
            "url": f"{base_url}/package-resource/{self.name}/dcos-{self.name}",
            "contentHash": [{"algo": "sha256", "value": hashlib.sha256(command_script()).hexdigest()}],
        }
        template = json.dumps(self.app_definition({}), indent=2, sort_keys=True)
        return {
            **self.summary,
            "marathon": {"v2AppMustacheTemplate": base64.b64encode(template.encode()).decode()},
            "config": self.options,
            "resource": {
                "assets": {},
                "images": {},
                "cli": {"binaries": {system: {"x86-64": executable} for system in ("linux", "darwin")}},
            },
        }


@cache
def command_script() -> bytes:
    """Returns the program behind `dcos kafka` and those of the other packages, which is one file."""
    return _COMMAND_FILE.read_bytes()


def name_option(default: str) -> Json:
    """Returns the JSON Schema of the option `service.name`."""
    return {
        "type": "string",
        "description": "Name of the service, and id of its Marathon app",
        "pattern": "^/?[a-z0-9]([a-z0-9-]*[a-z0-9])?(/[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
        "default": default,
    }


def service_app(module: str, env: Json, node: Json, port_name: str, port: int) -> Json:
    """Returns the app of a scheduler and its node.

    node: its cpus and mem. port: the port that clients use; 0: the scheduler chooses a free one and keeps it.
    """
    ports: list[Json] = [{"name": "api", "port": 0, "protocol": "tcp"}]
    if port:
        ports.append({"name": port_name, "port": port, "protocol": "tcp"})
    return {
        "args": [sys.executable, "-m", module],
        "cpus": node["cpus"],
        "mem": node["mem"],
        "instances": 1,
        "env": env,
        "portDefinitions": ports,
        # Only a node on a given port requires that port.
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
    }


def _with_defaults(schema: Json, given: Json) -> Json:
    result = dict(given)
    for key, inner in schema["properties"].items():
        if inner["type"] == "object":
            result[key] = _with_defaults(inner, given.get(key, {}))
        elif "default" in inner:
            result.setdefault(key, inner["default"])
    return result
