"""The package `kafka`: its options, and the Marathon app of its scheduler."""

from local_dcos.model import Json
from local_dcos.packages.package import Package, service_app

# What lists show of the package.
SUMMARY: Json = {
    "packagingVersion": "4.0",
    "name": "kafka",
    # As in the DC/OS catalogue: the version of the service, then the version of Kafka.
    "version": "2.10.0-4.1.0",
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


def _app(options: Json) -> Json:
    env = {
        "KAFKA_SERVICE_NAME": options["service"]["name"].strip("/"),
        "KAFKA_HEAP_MB": str(options["brokers"]["heap"]["size"]),
    }
    brokers = options["brokers"]
    return service_app("local_dcos.kafka", env, brokers, "broker", brokers["port"])


KAFKA = Package(SUMMARY, OPTIONS, _app)
