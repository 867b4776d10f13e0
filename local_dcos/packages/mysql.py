"""The package `mysql`: its options, and the Marathon app of its scheduler."""

from local_dcos.model import Json
from local_dcos.packages.package import Package, name_option, service_app

SUMMARY: Json = {
    "packagingVersion": "4.0",
    "name": "mysql",
    "version": "1.0.0-11.4.5",
    "releaseVersion": 0,
    "maintainer": "local_dcos",
    "description": "One MariaDB server on this machine, with the API of a DC/OS SDK service",
    "tags": ["data", "database", "sql", "mysql", "mariadb"],
    "selected": True,
    "framework": True,
    "preInstallNotes": "This service runs one MariaDB server on this machine.",
    "postInstallNotes": "The MySQL service is starting. To follow it: dcos mysql plan status deploy",
    "postUninstallNotes": "The MySQL service was removed. Its data stay in the folder of the cluster.",
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
                "name": name_option("mysql"),
            },
        },
        "mysql": {
            "type": "object",
            "description": "The server",
            "additionalProperties": False,
            "properties": {
                "cpus": {"type": "number", "description": "CPU shares", "minimum": 0.1, "default": 0.5},
                "mem": {
                    "type": "integer",
                    "description": "Memory in MB; a quarter of it is the buffer pool",
                    "minimum": 256,
                    "default": 384,
                },
                "disk": {
                    "type": "integer",
                    "description": "Disk in MB; it is not limited here",
                    "minimum": 1,
                },
                "port": {
                    "type": "integer",
                    "description": "Port of the server; 0 chooses a free one, which is kept",
                    "minimum": 0,
                    "maximum": 65535,
                    "default": 3306,
                },
            },
        },
        "database": {
            "type": "object",
            "description": "The database",
            "additionalProperties": False,
            "properties": {
                "name": {
                    "type": "string",
                    "description": "Database that the login pipectl owns",
                    "pattern": "^[a-z][a-z0-9_]{0,47}$",
                    "default": "volatility",
                },
            },
        },
    },
}


def _app(options: Json) -> Json:
    server = options["mysql"]
    env = {
        "MYSQL_SERVICE_NAME": options["service"]["name"].strip("/"),
        "MYSQL_BUFFER_MB": str(server["mem"] // 4),
        "MYSQL_DATABASE": options["database"]["name"],
    }
    return service_app("local_dcos.mysql", env, server, "sql", server["port"])


MYSQL = Package(SUMMARY, OPTIONS, _app)
