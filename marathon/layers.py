"""Merges settings from several layers: defaults, cluster file, further files, single overrides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from marathon.documents import Document, Location, parse_document
from marathon.errors import Problem
from marathon.paths import KeyPath

_KEY = r'"[^"]+"|[^".=]+'
_OVERRIDE = re.compile(rf"(?P<path>({_KEY})(\.({_KEY}))*)=(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True)
class Layers:
    """The merged value so far, and the location that last set each key."""

    value: dict[str, Any] = field(default_factory=dict)
    locations: dict[KeyPath, Location] = field(default_factory=dict)

    def under(self, layer: Document) -> Layers:
        """These layers with `layer` on top. A layer that holds no mapping changes nothing."""
        if not isinstance(layer.value, dict):
            return self
        replaced = {
            path
            for path in layer.locations
            if not (_is_mapping(self.value, path) and _is_mapping(layer.value, path))
        }
        kept = {
            path: location
            for path, location in self.locations.items()
            if not any(path[:length] in replaced for length in range(1, len(path) + 1))
        }
        return Layers(merge(self.value, layer.value), kept | layer.locations)

    def location(self, path: KeyPath) -> Location | None:
        """Where the value at `path` was set, else where its nearest parent was set."""
        for length in range(len(path), 0, -1):
            if location := self.locations.get(path[:length]):
                return location
        return None

    def latest(self, paths: Sequence[KeyPath]) -> KeyPath:
        """The first of `paths` that the highest of their layers sets."""
        # `under` drops a key's old location first, so a key that is set again is last in the mapping.
        order = {path: age for age, path in enumerate(self.locations)}
        highest = self.location(max(paths, key=lambda path: order.get(path, -1)))
        file = highest.file if highest else ""
        return next(
            (path for path in paths if (location := self.location(path)) and location.file == file), paths[0]
        )


def without_keys(document: Document, paths: Iterable[KeyPath]) -> Document:
    """`document` without the keys at `paths`. A path into a list drops the whole list."""
    value, locations = deepcopy(document.value), document.locations
    for path in paths:
        keys = tuple(takewhile(lambda part: isinstance(part, str), path))
        locations = {each: location for each, location in locations.items() if each[: len(keys)] != keys}
        parent = value
        for key in keys[:-1]:
            parent = parent.get(key) if isinstance(parent, dict) else None
        if isinstance(parent, dict):
            parent.pop(keys[-1], None)
    return replace(document, value=value, locations=locations)


def as_written(document: Document, paths: Iterable[KeyPath]) -> Document:
    """`document` with the numbers and booleans at `paths` replaced by their text in the file."""
    value, written = deepcopy(document.value), dict(document.written)
    for path in paths:
        parent = value
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = written.pop(path)
    return replace(document, value=value, written=written)


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` merged into a copy of `base`: mappings key by key, everything else (also lists) replaced."""
    merged = deepcopy(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = merge(below, value)
        else:
            merged[key] = deepcopy(value)
    return merged


def override(text: str) -> Document:
    """The layer of `--set TEXT`: `a.b=c`, with c in YAML. Nothing after = is the empty text.

    A key that holds a dot is quoted: `a."b.c"=d`.
    """
    file = f"--set {text}"
    found = _OVERRIDE.fullmatch(text.strip())
    if found is None:
        hint = 'write a.b=value, as in --set flink.parallelism=2; quote a key with a dot: a."b.c"=value'
        return Document(file, problems=[Problem(file, None, "", "not of the form KEY=VALUE", hint)])
    keys, value = [key.strip('"') for key in re.findall(_KEY, found["path"])], found["value"]
    document = (
        parse_document(value, file, lambda _: Location(file, None)) if value else Document(file, value="")
    )
    prefix = tuple(keys)
    document.locations = {(*prefix, *path): location for path, location in document.locations.items()}
    document.written = {(*prefix, *path): text for path, text in document.written.items()}
    for length in range(1, len(prefix) + 1):
        document.locations[prefix[:length]] = Location(file, None)
    if document.problems:
        document.value = None  # else the rest of the value would count as top-level settings
        return document
    for key in reversed(keys):
        document.value = {key: document.value}
    return document


def _is_mapping(value: Any, path: KeyPath) -> bool:
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return isinstance(value, dict)
