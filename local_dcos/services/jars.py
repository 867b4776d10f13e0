"""The jars of a package: those in its jars.lock, each checked by its SHA-256 at every start.

python -m local_dcos.services.jars    write every jars.lock again, after a version in a `jars.py` has changed
"""

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from jvm import errors as jvm
from jvm.lock import JarLock
from local_dcos import PACKAGES
from local_dcos.errors import JarError


@dataclass(frozen=True)
class PackageJars:
    """The jars of one package.

    Args:
        name: What errors call the software.
        lock: Its jars.lock.
        wanted: The coordinates that are resolved together with what they need, joined by "+".
        more: Further coordinates, without what they need.
    """

    name: str
    lock: Path
    wanted: str
    more: tuple[str, ...] = ()

    def known(self) -> list[Path] | None:
        """Returns the jars if all of them are in the local Maven repository, else None.

        Raises:
            JarError: One of them is not the jar that was locked.
        """
        lock = JarLock(self.lock)
        try:
            return lock.cached(lock.coordinates())
        except jvm.JarError as error:
            raise JarError(str(error)) from error

    def fetch(self) -> list[Path]:
        """Returns the jars. Those that are not in the local Maven repository are downloaded into it.

        Raises:
            JarError: One cannot be downloaded, or is not the jar that was locked.
        """
        lock = JarLock(self.lock)
        try:
            return lock.fetch(lock.coordinates())
        except jvm.JarError as error:
            raise JarError(f"{self.name}: {error}") from error

    def write(self) -> None:
        """Locks what jgo resolves."""
        import jgo

        # Native libraries for other systems differ by a classifier only, and are not needed.
        resolved = jgo.resolve(self.wanted)
        coordinates = {":".join((each.groupId, each.artifactId, each.version)) for each in resolved}
        JarLock(self.lock).write([*coordinates, *self.more])


def main() -> str | None:
    """Writes the lock of every package. Returns the error message, or None."""
    for package in PACKAGES:
        jars: PackageJars = import_module(f"local_dcos.{package}.jars").JARS
        try:
            jars.write()
        except jvm.JarError as error:
            return f"{jars.name}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(main())
