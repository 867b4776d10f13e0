"""A package: what Cosmos returns of it, its options, and the Marathon app of its scheduler."""

import base64
import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local_dcos.model import Json
from local_dcos.packages.options import section, with_defaults

_COMMAND_FILE = Path(__file__).parent.parent / "client" / "service.py"


@dataclass(frozen=True)
class Package:
    """One package, whose service has one node.

    Args:
        name: Its name, and that of the module `local_dcos.NAME`, which runs the scheduler.
        version: The version of the service, then that of the software, as in the DC/OS catalogue.
        title: The software, as in "the Kafka service".
        node: What the service runs, as in "Apache Kafka broker".
        tags: What it is found by.
        sections: The JSON Schemas of the sections of its options. One is `service`.
        sized_by: The section with the node's `cpus` and `mem`.
        ports: Of each port that clients use, its name and its option, as in "brokers.port". A port of 0 is
            chosen by the node.
        app: Makes what else is particular to the Marathon app, such as `env`, from options with all defaults.
    """

    name: str
    version: str
    title: str
    node: str
    tags: tuple[str, ...]
    sections: Json
    sized_by: str
    ports: Mapping[str, str]
    app: Callable[[Json], Json]

    @property
    def options(self) -> Json:
        """The JSON Schema of the options."""
        return section(f"The {self.title} service", **self.sections)

    @property
    def summary(self) -> Json:
        """What lists show of it."""
        return {
            "packagingVersion": "4.0",
            "name": self.name,
            "version": self.version,
            "releaseVersion": 0,
            "maintainer": "local_dcos",
            "description": f"One {self.node} on this machine, with the API of the DC/OS {self.title} service",
            "tags": [*self.tags, self.name],
            "selected": True,
            "framework": True,
            "preInstallNotes": f"This service runs one {self.node} on this machine.",
            "postInstallNotes": (
                f"The {self.title} service is starting. To follow it: dcos {self.name} plan status deploy"
            ),
            "postUninstallNotes": (
                f"The {self.title} service was removed. Its data stay in the folder of the cluster."
            ),
        }

    def app_definition(self, given: Json) -> Json:
        """Returns the Marathon app of a service with these options. The others have their defaults."""
        options = with_defaults(self.options, given)
        name, node = options["service"]["name"].strip("/"), options[self.sized_by]
        ports: list[Json] = [{"name": "api", "port": 0, "protocol": "tcp"}]
        for port_name, path in self.ports.items():
            group, _, key = path.partition(".")
            if port := options[group][key]:
                ports.append({"name": port_name, "port": port, "protocol": "tcp"})
        app = self.app(options)
        return {
            **app,
            "id": f"/{name}",
            "args": [sys.executable, "-m", f"local_dcos.{self.name}"],
            "cpus": node["cpus"],
            "mem": node["mem"],
            "instances": 1,
            "env": {f"{self.name.upper()}_SERVICE_NAME": name, **app["env"]},
            "portDefinitions": ports,
            # Only a node on a given port requires that port.
            "requirePorts": len(ports) > 1,
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
