"""A DC/OS on one machine: Marathon, Metronome and packages over local processes."""

PACKAGES = ("cassandra", "hdfs", "kafka", "mysql")
"""The packages of the catalogue. Each has a folder of its name here."""
