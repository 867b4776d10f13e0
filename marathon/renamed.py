"""Settings that have new names. The old names work for one release, with a warning."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from marathon.documents import Document
from marathon.errors import Problem
from marathon.layers import Layers
from marathon.paths import KeyPath, dotted

# Old path to new last part.
RENAMED: Mapping[KeyPath, str] = {
    ("waits",): "timeouts",
    ("topics", "shorten"): "allow_retention_decrease",
    ("gatherer", "watermark_bound"): "max_out_of_orderness",
    ("gatherer", "future_bound"): "max_clock_skew",
    ("health", "patience"): "kill_after",
}
# Settings that no longer exist, and what to write instead.
REMOVED: Mapping[KeyPath, str] = {
    ("gatherer", "window"): "write gatherer.windows: {10s: 1s}, length and slide",
    ("gatherer", "slide"): "write gatherer.windows: {10s: 1s}, length and slide",
    ("dashboard", "instances"): "write parts: [dashboard] to run it, and parts: [] to leave it out",
}
_INSTANCES, _PARTS = ("dashboard", "instances"), ("parts",)


def with_new_names(document: Document, below: Layers) -> tuple[Document, list[Problem]]:
    """`document` with the new name of each old setting, and one warning per old name.

    An old name beside its new name is a problem of the document. `below` holds the layers under it.
    """
    if not isinstance(document.value, dict):
        return document, []
    warnings: list[Problem] = []
    for old, name in RENAMED.items():
        document = _renamed(document, old, (*old[:-1], name), warnings)
    return _instances_as_part(document, below, warnings), warnings


def _renamed(document: Document, old: KeyPath, new: KeyPath, warnings: list[Problem]) -> Document:
    if old not in document.locations:
        return document
    value = deepcopy(document.value)
    section = _section(value, old)
    setting = section.pop(str(old[-1]))
    if new in document.locations:
        return replace(
            document,
            value=value,
            locations={path: each for path, each in document.locations.items() if not _within(path, old)},
            problems=[*document.problems, _both(document, old, new)],
        )
    section[str(new[-1])] = setting
    warnings.append(_warning(document, old, f"write {dotted(new)}"))
    return replace(
        document,
        value=value,
        locations={_moved(path, old, new): each for path, each in document.locations.items()},
        written={_moved(path, old, new): text for path, text in document.written.items()},
    )


def _instances_as_part(document: Document, below: Layers, warnings: list[Problem]) -> Document:
    """`dashboard.instances` as the part `dashboard`: 0 switches it off, any other number switches it on."""
    if _INSTANCES not in document.locations:
        return document
    value = deepcopy(document.value)
    count = value["dashboard"].pop("instances")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        return document  # which is then an unknown key
    locations = {path: each for path, each in document.locations.items() if path != _INSTANCES}
    if _PARTS in locations:
        problems = [*document.problems, _both(document, _INSTANCES, _PARTS)]
        return replace(document, value=value, locations=locations, problems=problems)
    value["parts"] = [part for part in below.value.get("parts", []) if part != "dashboard"]
    if count:
        value["parts"].append("dashboard")
    warnings.append(_warning(document, _INSTANCES, f"write parts: [{', '.join(value['parts'])}]"))
    return replace(document, value=value, locations={**locations, _PARTS: document.locations[_INSTANCES]})


def _warning(document: Document, old: KeyPath, hint: str) -> Problem:
    location = document.locations[old]
    return Problem(location.file, location.line, dotted(old), "deprecated name", hint)


def _both(document: Document, old: KeyPath, new: KeyPath) -> Problem:
    location, other = document.locations[old], document.locations[new]
    line = "" if other.line is None else f" on line {other.line}"
    message = f"old name of {dotted(new)}, which is also set{line}"
    return Problem(location.file, location.line, dotted(old), message, "remove one of them")


def _section(value: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    for key in path[:-1]:
        value = value[str(key)]
    return value


def _within(path: KeyPath, parent: KeyPath) -> bool:
    return path[: len(parent)] == parent


def _moved(path: KeyPath, old: KeyPath, new: KeyPath) -> KeyPath:
    return (*new, *path[len(old) :]) if _within(path, old) else path
