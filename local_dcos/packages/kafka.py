"""The package `kafka`: its options, and the Marathon app of its scheduler."""

from local_dcos.kafka.security import (
    BROKER_KEY,
    CA,
    PROTOCOL,
    SUPER_USERS,
    USERS,
    password_variable,
)
from local_dcos.model import Json
from local_dcos.packages.package import Package, name_option, service_app

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
_ENABLED: Json = {"enabled": {"type": "boolean", "default": False}}
_CLOSED: Json = {"type": "object", "additionalProperties": False}
SECURITY: Json = {
    **_CLOSED,
    "description": "TLS and logins. Named as in the DC/OS catalogue, except for `scram` and `secrets`",
    "properties": {
        "transport_encryption": {
            **_CLOSED,
            "properties": {**_ENABLED, "allow_plaintext": {"type": "boolean", "enum": [False]}},
        },
        "kerberos": {**_CLOSED, "properties": {"enabled": {"type": "boolean", "enum": [False]}}},
        "ssl_authentication": {**_CLOSED, "properties": _ENABLED},
        "scram": {
            **_CLOSED,
            "description": "Users who log in with a password instead of a key",
            "properties": {
                "users": {"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9-]+$"}},
            },
        },
        "authorization": {
            **_CLOSED,
            "properties": {
                **_ENABLED,
                "super_users": {"type": "string", "default": ""},
                "allow_everyone_if_no_acl_found": {"type": "boolean", "enum": [False]},
            },
        },
        "secrets": {
            "type": "string",
            "description": "Folder of the secrets `ca`, `broker-key` and, for scram, `<user>-password`",
            "default": "kafka",
        },
    },
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
                "name": name_option("kafka"),
                "security": SECURITY,
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


def _secured(security: Json) -> tuple[Json, Json]:
    """Returns the environment of a service with these options, and the secrets that it refers to."""
    if not security["transport_encryption"]["enabled"]:
        return {}, {}
    users = security["scram"].get("users", [])
    sources = {CA: "ca", BROKER_KEY: "broker-key"}
    sources |= {password_variable(user): f"{user}-password" for user in users}
    env: Json = {
        PROTOCOL: "SSL" if security["ssl_authentication"]["enabled"] else "SASL_SSL",
        USERS: ",".join(users),
        SUPER_USERS: security["authorization"]["super_users"],
        **{variable: {"secret": name} for variable, name in sources.items()},
    }
    return env, {name: {"source": f"{security['secrets']}/{name}"} for name in sources.values()}


def _app(options: Json) -> Json:
    login, secrets = _secured(options["service"]["security"])
    env = {
        "KAFKA_SERVICE_NAME": options["service"]["name"].strip("/"),
        "KAFKA_HEAP_MB": str(options["brokers"]["heap"]["size"]),
        **login,
    }
    brokers = options["brokers"]
    app = service_app("local_dcos.kafka", env, brokers, "broker", brokers["port"])
    return {**app, "secrets": secrets} if secrets else app


KAFKA = Package(SUMMARY, OPTIONS, _app)
