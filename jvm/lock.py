"""A lock file: the jars that a package uses, each with its SHA-256."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jvm.errors import JarError
from jvm.repository import Repository

_HEADER = "# The jars that are fetched, each with its SHA-256. `make lock` writes this file.\n"
_DOWNLOADS = 8


class JarLock:
    """The jars in the lock file `file`: lines of "group:artifact:version[:classifier] SHA-256"."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def coordinates(self) -> list[str]:
        """The coordinates, in the order of the file."""
        return list(self._read())

    def cached(self, coordinates: Iterable[str]) -> list[Path] | None:
        """The verified jars in the local repository, in this order; None if one is missing.

        Raises JarError if the lock file does not list one, or if a hash differs.
        """
        repository = Repository()
        found = [repository.cached(*each) for each in self._locked(coordinates)]
        jars = [jar for jar in found if jar]
        return jars if len(jars) == len(found) else None

    def fetch(self, coordinates: Iterable[str]) -> list[Path]:
        """The jars, in this order; missing ones are downloaded into the local repository.

        Raises JarError if the lock file does not list one, if one cannot be downloaded, or if a hash
        differs.
        """
        wanted, repository = self._locked(coordinates), Repository()
        with ThreadPoolExecutor(_DOWNLOADS) as pool:
            return list(pool.map(lambda each: repository.fetch(*each), wanted))

    def write(self, coordinates: Iterable[str]) -> None:
        """Lock exactly these jars. An already locked jar keeps its hash, because a release never changes.

        Raises JarError if one cannot be downloaded, or if its hash differs.
        """
        known = self._read() if self._file.exists() else {}
        repository = Repository()
        lines = [
            f"{coordinate} {known.get(coordinate) or repository.sha256(coordinate)}\n"
            for coordinate in sorted(set(coordinates))
        ]
        self._file.write_text(_HEADER + "".join(lines))

    def _locked(self, coordinates: Iterable[str]) -> list[tuple[str, str]]:
        """The coordinates, each with its hash."""
        known = self._read()
        for coordinate in (wanted := list(coordinates)):
            if coordinate not in known:
                raise JarError(f"{self._file} has no SHA-256 of {coordinate}: run `make lock`")
        return [(coordinate, known[coordinate]) for coordinate in wanted]

    def _read(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for number, line in enumerate(self._file.read_text().splitlines(), 1):
            match line.split():
                case [] | ["#", *_]:
                    pass
                case [coordinate, sha256]:
                    found[coordinate] = sha256
                case _:
                    raise JarError(f"{self._file}:{number}: not a coordinate and a SHA-256: run `make lock`")
        return found
