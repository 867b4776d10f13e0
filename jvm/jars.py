"""Jars that an environment variable lists, or locked ones."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from jvm.errors import JarError
from jvm.lock import JarLock


def jars_of(
    variable: str, lock: JarLock, coordinates: Iterable[str], environ: Mapping[str, str] = os.environ
) -> list[Path]:
    """The jars that `variable` lists, separated by ':' (for images), else those of the coordinates.

    Raises JarError if a listed file is not a jar, and the errors of `JarLock.fetch`.
    """
    named = environ.get(variable)
    if not named:
        return lock.fetch(coordinates)
    jars = [Path(part) for part in named.split(os.pathsep) if part]
    for jar in jars:
        if not zipfile.is_zipfile(jar):
            raise JarError(f"{variable} names {jar}, which is not a jar file")
    return jars
