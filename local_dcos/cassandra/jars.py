"""The jars of Apache Cassandra."""

from pathlib import Path

from local_dcos.services.jars import PackageJars

VERSION = "5.0.9"

JARS = PackageJars(
    f"Apache Cassandra {VERSION}",
    Path(__file__).with_name("jars.lock"),
    f"org.apache.cassandra:cassandra-all:{VERSION}",
)
