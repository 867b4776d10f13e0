"""Where Flink lies, and the options that its JVMs need."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from jvm.errors import JavaError

# The version of apache-flink that jobs are compiled against and that an image has.
FLINK = "2.3.0"

# What the distribution's config.yaml sets in env.java.opts.all: Java 17 hides these packages from Flink
# otherwise. Without its exports of jdk.compiler, which serve the build of Flink itself: a JRE has no such
# module and warns.
_EXPORTS = (
    "java.rmi/sun.rmi.registry",
    "java.security.jgss/sun.security.krb5",
)
_OPENS = (
    "java.base/java.lang",
    "java.base/java.net",
    "java.base/java.io",
    "java.base/java.nio",
    "java.base/sun.nio.ch",
    "java.base/java.lang.reflect",
    "java.base/java.text",
    "java.base/java.time",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/java.util.concurrent.locks",
)


def module_options() -> list[str]:
    """The `--add-exports` and `--add-opens` that Flink needs on Java 17."""
    return [f"--add-exports={name}=ALL-UNNAMED" for name in _EXPORTS] + [
        f"--add-opens={name}=ALL-UNNAMED" for name in _OPENS
    ]


def flink_home() -> Path:
    """Where Flink lies in the apache-flink wheel (found without importing pyflink).

    Raises JavaError when apache-flink is not installed.
    """
    spec = importlib.util.find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise JavaError("no Flink: install the package apache-flink, of the project's extra `local`")
    return Path(spec.submodule_search_locations[0])


def flink_jars() -> list[Path]:
    """Flink's own jars, in an order that doesn't depend on the file system."""
    return sorted((flink_home() / "lib").glob("*.jar"))


def python_jars() -> list[Path]:
    """What a Flink process needs to run Python functions; PyFlink gives it to its clients by itself."""
    return sorted((flink_home() / "opt").glob("flink-python-*.jar"))
