"""The jars of this package, each checked by its SHA-256 in jars.lock.

python -m flink_scripts.locked    write jars.lock again, after a coordinate has changed
"""

from __future__ import annotations

import sys
from pathlib import Path

from jvm.errors import JarError
from jvm.lock import JarLock

LOCK = JarLock(Path(__file__).with_name("jars.lock"))


def main() -> str | None:
    """Lock every jar that this package uses. Returns the error message, or None."""
    from flink_scripts import building, connectors, jars, java_project

    try:
        LOCK.write(
            [
                *connectors.COORDINATES,
                *(java_project.COMPILER, *java_project.PROVIDED),
                *(building.CONSOLE, *building.HARNESS),
                *(*jars.PLUGINS.values(), *jars.CLASS_PATH),
            ]
        )
    except JarError as error:
        return f"flink_scripts.locked: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
