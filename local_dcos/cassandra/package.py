"""The package `cassandra`: its options, and the Marathon app of its scheduler."""

from local_dcos.model import Json
from local_dcos.packages import options
from local_dcos.packages.options import option
from local_dcos.packages.package import Package

_HEAP = options.heap(
    192,
    384,
    new=option("integer", "New generation in MB; no effect here"),
    gc=option("string", "Garbage collector; no effect here"),
)


def _only(value: str) -> Json:
    return option("string", f"Only {value} is possible", enum=[value], default=value)


def _app(chosen: Json) -> Json:
    env = {"CASSANDRA_HEAP_MB": str(chosen["nodes"]["heap"]["size"])}
    return {"env": env | options.tls_variable("cassandra", chosen)}


PACKAGE = Package(
    name="cassandra",
    version="2.10.0-5.0.9",
    title="Cassandra",
    node="Apache Cassandra node",
    tags=("data", "database", "nosql"),
    sections={
        "service": options.service_section(
            "cassandra", data_center=_only("datacenter1"), security=options.security_section()
        ),
        "nodes": options.node_section("The nodes", 512, 1024, count=options.count("nodes"), heap=_HEAP),
        "cassandra": options.catalogue_section(
            native_transport_port=options.port("for CQL", 9042), authenticator=_only("PasswordAuthenticator")
        ),
    },
    sized_by="nodes",
    ports={"cql": "cassandra.native_transport_port"},
    app=_app,
)
