"""The local Maven repository. jgo downloads missing jars into it."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path

from jvm.errors import JarError

# Repositories by name, for jgo. None: jgo's default, Maven Central.
REMOTES: dict[str, str] | None = None
_SILENCE_SECONDS = 30


class Repository:
    """The local repository: M2_REPO, else ~/.m2/repository."""

    def __init__(self) -> None:
        moved = os.environ.get("M2_REPO")
        self.folder = Path(moved) if moved else Path.home() / ".m2" / "repository"

    def cached(self, coordinate: str, sha256: str) -> Path | None:
        """The jar, or None if it is missing. Raises JarError if its hash differs."""
        jar = self.folder / _path(coordinate)
        # Another program may have left an incomplete download.
        if not zipfile.is_zipfile(jar):
            return None
        _check(coordinate, jar, sha256, f"delete {jar} to download it again")
        return jar

    def fetch(self, coordinate: str, sha256: str) -> Path:
        """The jar, downloaded if it is missing. Raises JarError."""
        return self.cached(coordinate, sha256) or self._download(coordinate, sha256)

    def sha256(self, coordinate: str) -> str:
        """Download the jar again and return its hash. Raises JarError."""
        return _sha256(self._download(coordinate, None))

    def _download(self, coordinate: str, sha256: str | None) -> Path:
        jar = self.folder / _path(coordinate)
        try:
            jar.parent.mkdir(parents=True, exist_ok=True)
            # The jar moves to its place only once it is complete and verified: other processes may read it.
            with tempfile.TemporaryDirectory(prefix=".downloading-", dir=jar.parent) as folder:
                whole = _resolve(coordinate, Path(folder))
                if sha256:
                    _check(coordinate, whole, sha256, "the repository serves another file; it was not kept")
                if not zipfile.is_zipfile(whole):
                    raise JarError(f"{coordinate}: the repository did not serve a jar file")
                whole.replace(jar)
        except JarError:
            raise
        except Exception as error:  # jgo has no error type of its own
            raise JarError(
                f"{coordinate} is not in {self.folder} and could not be fetched "
                f"({error or type(error).__name__}); connect to the network once"
            ) from error
        return jar


def _resolve(coordinate: str, folder: Path) -> Path:
    # Imported when something is missing: the import takes longer than finding what is here.
    try:
        from jgo.maven import MavenContext
    except ModuleNotFoundError:
        raise JarError(
            f"{coordinate} has to be downloaded: install the package jgo, of the project's extra `local`"
        ) from None

    group, artifact, version, *classifiers = coordinate.split(":")
    context = MavenContext(repo_cache=folder, remote_repos=REMOTES, timeout=_SILENCE_SECONDS)
    return Path(context.project(group, artifact).at_version(version).artifact(*classifiers).resolve())


def _path(coordinate: str) -> str:
    """The path of the jar group:artifact:version[:classifier] in a repository."""
    group, artifact, version, *classifier = coordinate.split(":")
    return "/".join(
        [*group.split("."), artifact, version, "-".join([artifact, version, *classifier]) + ".jar"]
    )


def _check(coordinate: str, jar: Path, expected: str, remedy: str) -> None:
    found = _sha256(jar)
    if found != expected:
        raise JarError(
            f"{coordinate} is not the jar that was locked: SHA-256 {found}, not {expected}; {remedy}"
        )


def _sha256(jar: Path) -> str:
    with jar.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
