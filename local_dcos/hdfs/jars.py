"""The jars of Apache Hadoop with the nodes of HDFS, which Maven Central has for tests of Java programs."""

from pathlib import Path

from local_dcos.services.jars import PackageJars

VERSION = "3.5.0"

JARS = PackageJars(
    f"Apache Hadoop {VERSION}",
    Path(__file__).with_name("jars.lock"),
    # Its nodes log through log4j 1, and do not start without.
    f"org.apache.hadoop:hadoop-client-minicluster:{VERSION}+org.slf4j:slf4j-reload4j:1.7.36",
)
