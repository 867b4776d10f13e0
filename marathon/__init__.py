"""What runs: the bundle's app templates and its settings, checked before anything is contacted.

`load_settings` reads and checks the settings of a cluster, `render` turns them into Marathon app definitions.
Importing this package costs nothing: pydantic, yaml, jinja2 and jsonschema load with the first name used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marathon.bundle import App, Bundle, Package, render
    from marathon.errors import BundleError, MarathonError, Problem
    from marathon.loading import cluster_names, load_settings
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

_HOMES = {
    "App": "bundle",
    "Bundle": "bundle",
    "Package": "bundle",
    "render": "bundle",
    "BundleError": "errors",
    "MarathonError": "errors",
    "Problem": "errors",
    "cluster_names": "loading",
    "load_settings": "loading",
    "Settings": "settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
