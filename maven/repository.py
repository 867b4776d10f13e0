"""The local Maven repository, filled from Maven Central."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import tempfile
import zipfile
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from maven.errors import JarError

CENTRAL = "https://repo.maven.apache.org/maven2"
_SILENCE_SECONDS = 30


class Repository:
    """The folder where Maven keeps its downloads: M2_REPO, else ~/.m2/repository."""

    def __init__(self) -> None:
        moved = os.environ.get("M2_REPO")
        self.folder = Path(moved) if moved else Path.home() / ".m2" / "repository"

    def cached(self, coordinate: str, sha256: str) -> Path | None:
        """The jar if it is here. Raises JarError when its hash is another."""
        jar = self.folder / _path(coordinate)
        if not zipfile.is_zipfile(jar):
            return None  # not there, or cut off by a download of somebody else
        _check(coordinate, jar, sha256, f"delete {jar}, and it will be downloaded again")
        return jar

    def fetch(self, coordinate: str, sha256: str) -> Path:
        """The jar, downloaded unless it is here. Raises JarError."""
        return self.cached(coordinate, sha256) or self._download(coordinate, sha256)

    def sha256(self, coordinate: str) -> str:
        """The hash of the jar as Maven Central has it. Raises JarError."""
        return _sha256(self._download(coordinate, None))

    def _download(self, coordinate: str, sha256: str | None) -> Path:
        jar = self.folder / _path(coordinate)
        url = f"{CENTRAL}/{_path(coordinate)}"
        try:
            jar.parent.mkdir(parents=True, exist_ok=True)
            # Under another name until it is whole and checked: another process may want it, too.
            with tempfile.TemporaryDirectory(prefix=".downloading-", dir=jar.parent) as folder:
                whole = Path(folder) / jar.name
                with (
                    urlopen(url, timeout=_SILENCE_SECONDS, context=_trust()) as answer,  # noqa: S310
                    whole.open("wb") as file,
                ):
                    shutil.copyfileobj(answer, file)
                if sha256:
                    _check(coordinate, whole, sha256, f"{url} serves another file; nothing was kept of it")
                if not zipfile.is_zipfile(whole):
                    raise JarError(f"{coordinate}: {url} did not serve a jar file")
                whole.replace(jar)
        except (OSError, HTTPException) as error:
            raise JarError(
                f"{coordinate} is not in {self.folder} and could not be fetched from {url} ({error}); "
                "connect to the network once"
            ) from error
        return jar


def _path(coordinate: str) -> str:
    """Where a repository has the jar group:artifact:version[:classifier]."""
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


def _trust() -> ssl.SSLContext:
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        return ssl.create_default_context()
    # Python of python.org for macOS has no certificates of its own.
    import certifi

    return ssl.create_default_context(cafile=certifi.where())
