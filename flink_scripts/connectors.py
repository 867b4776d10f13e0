"""The jars with which Flink reads and writes Kafka: from the environment or from Maven's repository."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flink_scripts.locked import LOCK
from jvm.jars import jars_of

CONNECTOR = "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2"
# The Kafka client in the connector needs it to read zstd, in the version that it was built with. Flink's own
# jars contain what it needs for lz4 and snappy.
COORDINATES = (CONNECTOR, "com.github.luben:zstd-jni:1.5.6-10")


def connector_jars(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The jars that Flink needs beside its own to read and write Kafka.

    They are those that FLINK_CONNECTOR_JARS names (paths separated by ':', for images), else those of the
    local Maven repository, into which they are fetched once.

    Raises JarError when a named jar does not exist, or when a jar is neither cached nor can be fetched.
    """
    return jars_of("FLINK_CONNECTOR_JARS", LOCK, COORDINATES, environ)
