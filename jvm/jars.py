"""Jars that an environment variable names, or those of Maven's repository."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from jvm.errors import JarError
from jvm.maven import fetch


def jars_of(variable: str, coordinates: Sequence[str], environ: Mapping[str, str] = os.environ) -> list[Path]:
    """The jars that `variable` names, with ':' between them (for images), else those of the coordinates.

    Raises JarError when what is named is no jar, or when there is neither a cached jar nor a network.
    """
    named = environ.get(variable)
    if not named:
        return [fetch(coordinate) for coordinate in coordinates]
    jars = [Path(part) for part in named.split(os.pathsep) if part]
    for jar in jars:
        if not zipfile.is_zipfile(jar):
            raise JarError(f"{variable} names {jar}, which is not a jar file")
    return jars
