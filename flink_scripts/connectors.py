"""What Flink needs to read and write Kafka: from the environment, from the Maven cache, or fetched once."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from flink_scripts.errors import JarError
from flink_scripts.locked import fetch

CONNECTOR = "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2"
# The Kafka client in the connector reads zstd by this, in the version that it was built with. Flink's own
# jars have what it needs for lz4 and snappy.
ZSTD = "com.github.luben:zstd-jni:1.5.6-10"


def connector_jars(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The jars that Flink needs beside its own to read and write Kafka.

    FLINK_CONNECTOR_JARS (paths with ':' between them, for images) wins; else those in the Maven repository,
    which is filled when they aren't there yet.

    Raises JarError when the jars named don't exist, or when there is neither a cached jar nor a network.
    """
    named = environ.get("FLINK_CONNECTOR_JARS")
    if not named:
        return fetch(CONNECTOR, ZSTD)
    jars = [Path(part) for part in named.split(os.pathsep) if part]
    for jar in jars:
        if not zipfile.is_zipfile(jar):
            raise JarError(f"FLINK_CONNECTOR_JARS names {jar}, which is not a jar file")
    return jars
