"""What runs: the bundle's app templates and its settings, checked before anything is contacted.

`load_settings` reads and checks the settings of a cluster, `render` turns them into Marathon app definitions.
Importing this package is cheap: pydantic, ruamel.yaml, jinja2 and jsonschema load when one of the functions
is first called (or `Settings` is first used).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from marathon.errors import BundleError, MarathonError, Problem
from marathon.model import App, Bundle, Package

if TYPE_CHECKING:
    import os

    from marathon.settings import Settings

__all__ = [
    "App",
    "Bundle",
    "BundleError",
    "MarathonError",
    "Package",
    "Problem",
    "Settings",
    "cluster_names",
    "load_settings",
    "render",
]


def cluster_names() -> list[str]:
    """The clusters there is a file for, sorted."""
    from marathon.loading import cluster_names

    return cluster_names()


def load_settings(
    cluster: str,
    *,
    files: Iterable[str | os.PathLike[str]] = (),
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of `cluster`: defaults.yaml <- clusters/NAME.yaml <- `files` <- `overrides` ("a.b=c").

    `environ` (default: this process's) tells where PIPECTL_HOME is, below which Flink keeps its state on
    `local`. Raises `BundleError` with every mistake in every layer.
    """
    from marathon.loading import load_settings

    return load_settings(cluster, files=files, overrides=overrides, environ=environ)


def render(settings: Settings) -> Bundle:
    """The bundle of `settings`. Raises `BundleError` with every mistake, at its template line."""
    from marathon.bundle import render

    return render(settings)


def __getattr__(name: str) -> Any:
    # The type alone needs pydantic; annotations elsewhere import it under TYPE_CHECKING.
    if name == "Settings":
        from marathon.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
