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
from local_dcos.packages import options
from local_dcos.packages.options import option, section
from local_dcos.packages.package import Package

_OFF: Json = {"type": "boolean", "enum": [False]}
_ENABLED: Json = {"type": "boolean", "default": False}
OVERRIDE = "KAFKA_OVERRIDE_"
"""What the variables of the broker's settings begin with."""
_SETTINGS = {
    "log_retention_check_interval_ms": option(
        "integer", "Time between two searches for records past their retention, in ms", minimum=1
    ),
    "log_segment_delete_delay_ms": option(
        "integer", "Time until the file of a deleted segment is removed, in ms", minimum=0
    ),
}
_USER: Json = {"type": "string", "pattern": "^[a-z0-9-]+$"}
_SECURITY = section(
    "TLS and logins. Named as in the DC/OS catalogue, except for `scram` and `secrets`",
    transport_encryption=section("TLS", enabled=_ENABLED, allow_plaintext=_OFF),
    kerberos=section("Not possible here", enabled=_OFF),
    ssl_authentication=section("Users who log in with a key", enabled=_ENABLED),
    scram=section(
        "Users who log in with a password instead of a key",
        users=option("array", "Their names", items=_USER),
    ),
    authorization=section(
        "Who may do what",
        enabled=_ENABLED,
        super_users=option("string", "`User:NAME;…`: who may do everything", default=""),
        allow_everyone_if_no_acl_found=_OFF,
    ),
    secrets=option(
        "string",
        "Folder of the secrets `ca`, `broker-key` and, for scram, `<user>-password`",
        default="kafka",
    ),
)


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


def _app(chosen: Json) -> Json:
    login, secrets = _secured(chosen["service"]["security"])
    env = {"KAFKA_HEAP_MB": str(chosen["brokers"]["heap"]["size"]), **login}
    given = chosen["kafka"]
    env |= {f"{OVERRIDE}{name.upper()}": str(given[name]) for name in _SETTINGS if name in given}
    return {"env": env, "secrets": secrets} if secrets else {"env": env}


PACKAGE = Package(
    name="kafka",
    version="2.10.0-4.1.0",
    title="Kafka",
    node="Apache Kafka broker (KRaft)",
    tags=("message", "broker", "pubsub"),
    sections={
        "service": options.service_section("kafka", security=_SECURITY),
        "brokers": options.node_section(
            "The brokers",
            256,
            1024,
            count=options.count("brokers"),
            port=options.port("of the broker", 9092),
            heap=options.heap(128, 512),
        ),
        "kafka": options.catalogue_section(**_SETTINGS),
    },
    sized_by="brokers",
    ports={"broker": "brokers.port"},
    app=_app,
)
