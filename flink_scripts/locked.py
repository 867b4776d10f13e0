"""The jars of this package, each checked by the SHA-256 that jars.lock has of it.

python -m flink_scripts.locked    write jars.lock again, after a coordinate has changed
"""

from __future__ import annotations

import sys
from pathlib import Path

import maven
from flink_scripts.errors import JarError

_LOCK = maven.JarLock(Path(__file__).with_name("jars.lock"))


def fetch(*coordinates: str) -> list[Path]:
    """The jars from the local Maven repository, which is filled when they are not there yet.

    Raises JarError when one cannot be had, or is not the jar that was locked.
    """
    try:
        return _LOCK.fetch(coordinates)
    except maven.JarError as error:
        raise JarError(str(error)) from error


def main() -> str | None:
    """Lock every jar that this package uses; what to say on failure."""
    from flink_scripts import building, connectors, jars, java_project

    try:
        _LOCK.write(
            [
                *(connectors.CONNECTOR, connectors.ZSTD),
                *(java_project.COMPILER, *java_project.PROVIDED),
                *(building.CONSOLE, *building.HARNESS),
                *(*jars.PLUGINS.values(), *jars.CLASS_PATH),
            ]
        )
    except maven.JarError as error:
        return f"flink_scripts.locked: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
