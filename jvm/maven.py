"""Jars from the local Maven repository, into which jgo fetches those that are missing."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from jvm.errors import JarError


def fetch(coordinate: str) -> Path:
    """The jar "group:artifact:version" or "group:artifact:version:classifier", without its dependencies.

    Raises JarError when it is neither cached nor can be fetched.
    """
    group, artifact, version, *classifiers = coordinate.split(":")
    name = "-".join([artifact, version, *classifiers])
    cached = repository().joinpath(*group.split("."), artifact, version, f"{name}.jar")
    if zipfile.is_zipfile(cached):
        return cached
    # An interrupted download leaves a file that is not a jar.
    cached.unlink(missing_ok=True)
    try:
        from jgo.maven import MavenContext

        component = MavenContext(repo_cache=repository()).project(group, artifact).at_version(version)
        jar = Path(component.artifact(*classifiers).resolve())
    except Exception as error:  # jgo has no error type of its own; its message is what the user needs
        raise _missing(coordinate, str(error) or type(error).__name__) from error
    if not zipfile.is_zipfile(jar):
        raise _missing(coordinate, f"{jar} is not a jar file")
    return jar


def repository() -> Path:
    """The folder into which jgo fetches."""
    moved = os.environ.get("M2_REPO")
    return Path(moved) if moved else Path.home() / ".m2" / "repository"


def _missing(coordinate: str, reason: str) -> JarError:
    return JarError(
        f"{coordinate} is not in {repository()} and could not be fetched ({reason}); "
        "connect to the network once"
    )
