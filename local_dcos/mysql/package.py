"""The package `mysql`: its options, and the Marathon app of its scheduler."""

from local_dcos.model import Json
from local_dcos.packages import options
from local_dcos.packages.options import option
from local_dcos.packages.package import Package

_DATABASE = option(
    "string", "Database that the login pipectl owns", pattern="^[a-z][a-z0-9_]{0,47}$", default="volatility"
)


def _app(chosen: Json) -> Json:
    # A quarter of the memory is the buffer pool.
    buffer_mb = str(chosen["mysql"]["mem"] // 4)
    env = {"MYSQL_BUFFER_MB": buffer_mb, "MYSQL_DATABASE": chosen["database"]["name"]}
    return {"env": env | options.tls_variable("mysql", chosen)}


PACKAGE = Package(
    name="mysql",
    version="1.0.0-11.4.5",
    title="MySQL",
    node="MariaDB server",
    tags=("data", "database", "sql", "mariadb"),
    sections={
        "service": options.service_section("mysql", security=options.security_section()),
        "mysql": options.node_section("The server", 256, 384, port=options.port("of the server", 3306)),
        "database": options.section("The database", name=_DATABASE),
    },
    sized_by="mysql",
    ports={"sql": "mysql.port"},
    app=_app,
)
