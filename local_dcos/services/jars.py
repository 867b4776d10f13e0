"""The jars of a package: those in its jars.lock, each checked by its SHA-256 at every start."""

from collections.abc import Iterable
from pathlib import Path

from jvm import errors as jvm
from jvm.lock import JarLock
from local_dcos.errors import JarError


class PackageJars:
    """The jars in the lock file `lock`. name: what errors call the software."""

    def __init__(self, name: str, lock: Path) -> None:
        self._name = name
        self._lock = JarLock(lock)

    def known(self) -> list[Path] | None:
        """Returns the jars if all of them are in the local Maven repository, else None.

        Raises:
            JarError: One of them is not the jar that was locked.
        """
        try:
            return self._lock.cached(self._lock.coordinates())
        except jvm.JarError as error:
            raise JarError(str(error)) from error

    def fetch(self) -> list[Path]:
        """Returns the jars. Those that are not in the local Maven repository are downloaded into it.

        Raises:
            JarError: One cannot be downloaded, or is not the jar that was locked.
        """
        try:
            return self._lock.fetch(self._lock.coordinates())
        except jvm.JarError as error:
            raise JarError(f"{self._name}: {error}") from error

    def write(self, wanted: str, more: Iterable[str] = ()) -> str | None:
        """Locks what jgo resolves `wanted` to, and `more`. Returns the error message, or None."""
        import jgo

        # Native libraries for other systems differ by a classifier only, and are not needed.
        resolved = {":".join((each.groupId, each.artifactId, each.version)) for each in jgo.resolve(wanted)}
        try:
            self._lock.write([*resolved, *more])
        except jvm.JarError as error:
            return f"{self._name}: {error}"
        return None
