"""The jars of Apache Kafka: those in jars.lock, each checked by its SHA-256 at every start.

python -m local_dcos.kafka.jars    write jars.lock again, after a version below has changed
"""

import sys
from pathlib import Path

from jvm import errors as jvm
from jvm.lock import JarLock
from local_dcos.errors import JarError

KAFKA_VERSION = "4.1.0"
KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.apache.kafka:kafka-tools:{KAFKA_VERSION}"
# Resolved apart from Kafka: together, log4j's version table would select an older kafka-clients.
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"

_LOCK = JarLock(Path(__file__).with_name("jars.lock"))


def known_jars() -> list[Path] | None:
    """Returns the jars if all of them are in the local Maven repository, else None.

    Raises:
        JarError: One of them is not the jar that was locked.
    """
    try:
        return _LOCK.cached(_LOCK.coordinates())
    except jvm.JarError as error:
        raise JarError(str(error)) from error


def resolve() -> list[Path]:
    """Returns the jars. Those that are not in the local Maven repository are downloaded into it.

    Raises:
        JarError: One cannot be downloaded, or is not the jar that was locked.
    """
    try:
        return _LOCK.fetch(_LOCK.coordinates())
    except jvm.JarError as error:
        raise JarError(f"Apache Kafka {KAFKA_VERSION}: {error}") from error


def main() -> str | None:
    """Locks Kafka and all its dependencies. Returns the error message, or None."""
    import jgo

    resolved = [":".join((each.groupId, each.artifactId, each.version)) for each in jgo.resolve(KAFKA)]
    try:
        _LOCK.write([*resolved, LOG_BINDING])
    except jvm.JarError as error:
        return f"local_dcos.kafka.jars: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
