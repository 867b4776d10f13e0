"""The package `cassandra`: its options, and the Marathon app of its scheduler."""

from local_dcos.model import Json
from local_dcos.packages.package import Package, name_option, service_app

SUMMARY: Json = {
    "packagingVersion": "4.0",
    "name": "cassandra",
    # As in the DC/OS catalogue: the version of the service, then the version of Cassandra.
    "version": "2.10.0-5.0.9",
    "releaseVersion": 0,
    "maintainer": "local_dcos",
    "description": "One Apache Cassandra node on this machine, with the API of the DC/OS Cassandra service",
    "tags": ["data", "database", "nosql", "cassandra"],
    "selected": True,
    "framework": True,
    "preInstallNotes": "This service runs one Apache Cassandra node on this machine.",
    "postInstallNotes": "The Cassandra service is starting. To follow it: dcos cassandra plan status deploy",
    "postUninstallNotes": "The Cassandra service was removed. Its data stay in the folder of the cluster.",
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
                "name": name_option("cassandra"),
                "data_center": {
                    "type": "string",
                    "description": "Name of the data center; only datacenter1 is possible",
                    "enum": ["datacenter1"],
                    "default": "datacenter1",
                },
            },
        },
        "nodes": {
            "type": "object",
            "description": "The nodes",
            "additionalProperties": False,
            "properties": {
                "count": {
                    "type": "integer",
                    "description": "Number of nodes; only 1 is possible",
                    "minimum": 1,
                    "maximum": 1,
                    "default": 1,
                },
                "cpus": {"type": "number", "description": "CPU shares", "minimum": 0.1, "default": 0.5},
                "mem": {"type": "integer", "description": "Memory in MB", "minimum": 512, "default": 1024},
                "disk": {
                    "type": "integer",
                    "description": "Disk in MB; it is not limited here",
                    "minimum": 1,
                },
                "heap": {
                    "type": "object",
                    "description": "The node's Java heap",
                    "additionalProperties": False,
                    "properties": {
                        "size": {
                            "type": "integer",
                            "description": "Heap in MB",
                            "minimum": 192,
                            "default": 384,
                        },
                        "new": {
                            "type": "integer",
                            "description": "New generation in MB; no effect here",
                        },
                        "gc": {"type": "string", "description": "Garbage collector; no effect here"},
                    },
                },
            },
        },
        "cassandra": {
            "type": "object",
            "description": "Options of the DC/OS catalogue; only these have an effect here",
            "properties": {
                "native_transport_port": {
                    "type": "integer",
                    "description": "Port for CQL; 0 chooses a free one, which is kept",
                    "minimum": 0,
                    "maximum": 65535,
                    "default": 9042,
                },
                "authenticator": {
                    "type": "string",
                    "description": "Only PasswordAuthenticator is possible",
                    "enum": ["PasswordAuthenticator"],
                    "default": "PasswordAuthenticator",
                },
            },
        },
    },
}


def _app(options: Json) -> Json:
    env = {
        "CASSANDRA_SERVICE_NAME": options["service"]["name"].strip("/"),
        "CASSANDRA_HEAP_MB": str(options["nodes"]["heap"]["size"]),
    }
    port = options["cassandra"]["native_transport_port"]
    return service_app("local_dcos.cassandra", env, options["nodes"], "cql", port)


CASSANDRA = Package(SUMMARY, OPTIONS, _app)
