"""The package catalogue."""

from local_dcos.packages.cassandra import CASSANDRA
from local_dcos.packages.hdfs import HDFS
from local_dcos.packages.kafka import KAFKA
from local_dcos.packages.mysql import MYSQL
from local_dcos.packages.package import Package

CATALOGUE: dict[str, Package] = {package.name: package for package in (CASSANDRA, HDFS, KAFKA, MYSQL)}
