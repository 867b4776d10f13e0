"""The bundle's app templates and settings, checked before anything is contacted.

`load_settings` loads and checks the settings of a cluster. `render` turns them into Marathon app definitions.
Importing this package is cheap: pydantic, ruamel.yaml, jinja2 and jsonschema load with the first call (or the
first use of `Settings`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from marathon.catalogue import Catalogue
from marathon.errors import BundleError, MarathonError, Problem
from marathon.home import is_local
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
    "is_local",
    "load_settings",
    "parts",
    "render",
]


def load_settings(
    cluster: str,
    *,
    catalogue: Catalogue,
    files: Iterable[str | os.PathLike[str]] = (),
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    warn: Callable[[Problem], object] = lambda problem: None,
    area: str | None = None,
) -> Settings:
    """The settings of `cluster`: defaults.yaml <- clusters/NAME.yaml <- `files` <- `overrides` ("a.b=c").

    `catalogue` lists the statistics and the kinds of signals. `environ` (default: this process's) holds
    PIPECTL_HOME, where Flink keeps its state on `local`. `warn` is called for each deprecated name.
    `area`: the area of the bundle. Raises `BundleError` with every error in every layer.
    """
    from marathon.loading import load_settings

    return load_settings(
        cluster,
        catalogue=catalogue,
        files=files,
        overrides=overrides,
        environ=environ,
        warn=warn,
        area=area,
    )


def render(settings: Settings, *, with_parts: Iterable[str] = ()) -> Bundle:
    """The bundle of `settings`, plus the parts in `with_parts`.

    Raises `BundleError` with every error and its template line.
    """
    from marathon.bundle import render

    return render(settings, with_parts=frozenset(with_parts))


def component_names() -> list[str]:
    """The names of all components, enabled or not."""
    from marathon.components import read_components

    return read_components().names()


def cluster_names() -> list[str]:
    """The names of all cluster files, sorted."""
    from marathon.loading import cluster_names

    return cluster_names()


def parts(settings: Settings) -> dict[str, Part]:
    """All optional parts by name, with the resources that each needs."""
    from marathon.bundle import parts

    return parts(settings)


def __getattr__(name: str) -> Any:
    # The type needs pydantic. Annotations elsewhere import it under TYPE_CHECKING.
    if name == "Settings":
        from marathon.settings import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
