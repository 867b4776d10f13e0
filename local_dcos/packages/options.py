"""The options of packages, as JSON Schema. These are the ones that several packages have."""

from local_dcos.model import Json


def option(kind: str, description: str, **rules: object) -> Json:
    """Returns the schema of one option."""
    return {"type": kind, "description": description, **rules}


def section(description: str, **options: Json) -> Json:
    """Returns the schema of a section, which has these options and no others."""
    return option("object", description, additionalProperties=False, properties=options)


def catalogue_section(**options: Json) -> Json:
    """Returns a section of the DC/OS catalogue. Options besides these are accepted and have no effect."""
    return option("object", "Options of the DC/OS catalogue; others have no effect here", properties=options)


def service_section(name: str, **options: Json) -> Json:
    """Returns the section `service`. name: the name of the service unless the options give one."""
    pattern = "^/?[a-z0-9]([a-z0-9-]*[a-z0-9])?(/[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$"
    described = "Name of the service, and id of its Marathon app"
    return section(
        "The service itself", name=option("string", described, pattern=pattern, default=name), **options
    )


def node_section(description: str, least_mb: int, mem: int, **options: Json) -> Json:
    """Returns the section of the node. least_mb and mem: the least memory, and the default."""
    return section(
        description,
        cpus=option("number", "CPU shares", minimum=0.1, default=0.5),
        mem=option("integer", "Memory in MB", minimum=least_mb, default=mem),
        disk=option("integer", "Disk in MB; it is not limited here", minimum=1),
        **options,
    )


def security_section() -> Json:
    """Returns the section `service.security` of a service that may encrypt its clients' traffic."""
    encryption = section(
        "TLS. Clients recognize the service by the secret `<service>-ca`, which it makes",
        enabled=option("boolean", "Whether clients use TLS", default=False),
        allow_plaintext=option("boolean", "Whether clients may do without; not possible here", enum=[False]),
    )
    return section("Named as in the DC/OS catalogue", transport_encryption=encryption)


def tls_variable(package: str, chosen: Json) -> dict[str, str]:
    """Returns what the app of a service with these options needs in its environment for TLS."""
    encryption = chosen["service"]["security"]["transport_encryption"]
    return {f"{package.upper()}_TLS": "true"} if encryption["enabled"] else {}


def count(what: str) -> Json:
    """Returns an option that counts the nodes of a service, which has one."""
    return option("integer", f"Number of {what}; only 1 is possible", minimum=1, maximum=1, default=1)


def port(what: str, default: int) -> Json:
    """Returns an option with the port of a service."""
    described = f"Port {what}; 0 chooses a free one, which is kept"
    return option("integer", described, minimum=0, maximum=65535, default=default)


def heap(least_mb: int, default: int, **options: Json) -> Json:
    """Returns the section with the heap of a node that is a Java process."""
    size = option("integer", "Heap in MB", minimum=least_mb, default=default)
    return section("The Java heap", size=size, **options)


def with_defaults(schema: Json, given: Json) -> Json:
    """Returns the given options of a section, and the defaults of the others."""
    result = dict(given)
    for key, inner in schema["properties"].items():
        if inner["type"] == "object":
            result[key] = with_defaults(inner, given.get(key, {}))
        elif "default" in inner:
            result.setdefault(key, inner["default"])
    return result
