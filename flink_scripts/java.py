"""Where Flink lies, and the options that its JVMs need."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from jvm.errors import JavaError

# The version of apache-flink that jobs are compiled against and that an image has.
FLINK = "2.3.0"

# These serve the build of Flink itself. A JRE does not have this module, and warns.
_COMPILER = "jdk.compiler/"


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
