"""The jars of Apache Cassandra.

python -m local_dcos.cassandra.jars    write jars.lock again, after the version below has changed
"""

import sys
from pathlib import Path

from local_dcos.services.jars import PackageJars

CASSANDRA_VERSION = "5.0.9"
CASSANDRA = f"org.apache.cassandra:cassandra-all:{CASSANDRA_VERSION}"

JARS = PackageJars(f"Apache Cassandra {CASSANDRA_VERSION}", Path(__file__).with_name("jars.lock"))

if __name__ == "__main__":
    sys.exit(JARS.write(CASSANDRA))
