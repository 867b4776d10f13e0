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

    def cached(self, coordinate: str) -> Path | None:
        """The verified jar in the local repository; None if it is missing.

        Raises JarError if the lock file does not list it, or if its hash differs.
        """
        return Repository().cached(coordinate, self._sha256(coordinate))

    def fetch(self, coordinates: Iterable[str]) -> list[Path]:
        """The jars, in this order; missing ones are downloaded into the local repository.

        Raises JarError if the lock file does not list one, if one cannot be downloaded, or if a hash
        differs.
        """
        wanted = [(coordinate, self._sha256(coordinate)) for coordinate in coordinates]
        repository = Repository()
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

    def _sha256(self, coordinate: str) -> str:
        try:
            return self._read()[coordinate]
        except KeyError:
            raise JarError(f"{self._file} has no SHA-256 of {coordinate}: run `make lock`") from None

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
