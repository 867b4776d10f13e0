"""What runs: the bundle's app templates and its settings, checked before anything is contacted.

`load_settings` reads and checks the settings of a cluster, `render` turns them into Marathon app definitions.
Importing this package is cheap: pydantic, ruamel.yaml, jinja2 and jsonschema load when one of the functions
is first called (or `Settings` is first used).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from marathon.catalogue import Catalogue
from marathon.errors import BundleError, MarathonError, Problem
from marathon.model import App, Bundle, Component, Job, Package, Part

if TYPE_CHECKING:
    import os

    from marathon.settings import Settings

__all__ = [
    "App",
    "Bundle",
    "BundleError",
    "Catalogue",
    "Component",
    "Job",
    "MarathonError",
    "Package",
    "Part",
    "Problem",
    "Settings",
    "cluster_names",
    "component_names",
    "load_settings",
    "parts",
    "render",
]


def cluster_names() -> list[str]:
    """The clusters there is a file for, sorted."""
    from marathon.loading import cluster_names

    return cluster_names()


def load_settings(
    cluster: str,
    *,
    catalogue: Catalogue,
    files: Iterable[str | os.PathLike[str]] = (),
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of `cluster`: defaults.yaml <- clusters/NAME.yaml <- `files` <- `overrides` ("a.b=c").

    `catalogue` says which statistics and kinds of signals there are. `environ` (default: this process's)
    tells where PIPECTL_HOME is, below which Flink keeps its state on `local`. Raises
    `BundleError` with every mistake in every layer.
    """
    from marathon.loading import load_settings

    return load_settings(cluster, catalogue=catalogue, files=files, overrides=overrides, environ=environ)


def render(settings: Settings, *, with_parts: Iterable[str] = ()) -> Bundle:
    """The bundle of `settings`, with parts beside those that the settings name.

    Raises `BundleError` with every mistake, at its template line.
    """
    from marathon.bundle import render

    return render(settings, with_parts=frozenset(with_parts))


def component_names() -> list[str]:
    """Every component that there is, whether it is switched on or not."""
    from marathon.components import Components

    return Components().names()


def parts(settings: Settings) -> dict[str, Part]:
    """The optional parts that there are, by name, with what each needs."""
    from marathon.bundle import parts

    return parts(settings)


def __getattr__(name: str) -> Any:
    # The type alone needs pydantic; annotations elsewhere import it under TYPE_CHECKING.
    if name == "Settings":
        from marathon.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
