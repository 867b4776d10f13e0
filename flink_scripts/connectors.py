"""The Kafka connector jar: from the environment, from the Maven cache, or fetched once."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from flink_scripts.errors import ConnectorError

GROUP, ARTIFACT, VERSION = "org.apache.flink", "flink-sql-connector-kafka", "5.0.0-2.2"
COORDINATE = f"{GROUP}:{ARTIFACT}:{VERSION}"


def connector_jars(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The jars that Flink needs beside its own to read and write Kafka.

    FLINK_CONNECTOR_JARS (paths with ':' between them, for images) wins; else the jar in the Maven
    repository, which jgo fills when it isn't there yet.

    Raises ConnectorError when the jars named don't exist, or when there is neither a cached jar nor a
    network.
    """
    named = environ.get("FLINK_CONNECTOR_JARS")
    if named:
        jars = [Path(part) for part in named.split(os.pathsep) if part]
        for jar in jars:
            if not zipfile.is_zipfile(jar):
                raise ConnectorError(f"FLINK_CONNECTOR_JARS names {jar}, which is not a jar file")
        return jars
    cached = _repository() / GROUP.replace(".", "/") / ARTIFACT / VERSION / f"{ARTIFACT}-{VERSION}.jar"
    # An interrupted download leaves a file without the directory at a jar's end.
    if not zipfile.is_zipfile(cached):
        cached.unlink(missing_ok=True)
        cached = _fetch()
    return [cached]


def _repository() -> Path:
    """Where jgo puts what it fetches."""
    moved = os.environ.get("M2_REPO")
    return Path(moved) if moved else Path.home() / ".m2" / "repository"


def _fetch() -> Path:
    try:
        import jgo

        jar: Path | None = None
        for artifact in jgo.resolve(COORDINATE):
            if artifact.artifactId == ARTIFACT:
                jar = artifact.resolve()
    except Exception as error:  # jgo has no error type of its own; whatever it says is what the user needs
        raise _missing(str(error) or type(error).__name__) from error
    if jar is None or not zipfile.is_zipfile(jar):
        raise _missing(f"jgo gave {jar}")
    return Path(jar)


def _missing(reason: str) -> ConnectorError:
    return ConnectorError(
        f"the Kafka connector {COORDINATE} is not in {_repository()} and could not be fetched ({reason}); "
        "connect to the network once, or set FLINK_CONNECTOR_JARS to the jar's path"
    )
