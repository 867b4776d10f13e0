"""Settings laid over one another: defaults, cluster file, further files, single overrides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from marathon.documents import Document, Place, parse_document
from marathon.errors import Problem
from marathon.paths import KeyPath


@dataclass(frozen=True)
class Layers:
    """The merged value so far, with the place that each of its keys was last set at."""

    value: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)

    def under(self, layer: Document) -> Layers:
        """These layers with `layer` laid over them. A layer that holds no mapping changes nothing."""
        if not isinstance(layer.value, dict):
            return self
        replaced = {
            path
            for path in layer.places
            if not (_is_mapping(self.value, path) and _is_mapping(layer.value, path))
        }
        kept = {
            path: place
            for path, place in self.places.items()
            if not any(path[:length] in replaced for length in range(1, len(path) + 1))
        }
        return Layers(merge(self.value, layer.value), kept | layer.places)

    def place(self, path: KeyPath) -> Place | None:
        """Where the value at `path` was set: its own place, or that of what holds it."""
        for length in range(len(path), 0, -1):
            if place := self.places.get(path[:length]):
                return place
        return None

    def latest(self, paths: Sequence[KeyPath]) -> KeyPath:
        """The first of `paths` that the highest layer among theirs sets."""
        # A key that is set again moves to the end of the mapping: `under` drops its old place first.
        order = {path: age for age, path in enumerate(self.places)}
        highest = self.place(max(paths, key=lambda path: order.get(path, -1)))
        file = highest.file if highest else ""
        return next((path for path in paths if (place := self.place(path)) and place.file == file), paths[0])


def without(document: Document, faults: Iterable[KeyPath]) -> Document:
    """`document` less the keys at `faults`; a fault within a list takes the whole list with it."""
    value, places = deepcopy(document.value), document.places
    for fault in faults:
        keys = tuple(takewhile(lambda part: isinstance(part, str), fault))
        places = {path: place for path, place in places.items() if path[: len(keys)] != keys}
        holder = value
        for key in keys[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder.pop(keys[-1], None)
    return replace(document, value=value, places=places)


def as_written(document: Document, paths: Iterable[KeyPath]) -> Document:
    """`document` with the numbers and booleans at `paths` replaced by the text that stands there."""
    value, written = deepcopy(document.value), dict(document.written)
    for path in paths:
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = written.pop(path)
    return replace(document, value=value, written=written)


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` laid over `base`: mappings key by key, everything else (lists too) replaced. Changes neither."""
    merged = deepcopy(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = merge(below, value)
        else:
            merged[key] = deepcopy(value)
    return merged


def override(text: str) -> Document:
    """The layer that `--set TEXT` stands for: `a.b=c`, with c in YAML. Nothing after = is the empty text."""
    file = f"--set {text}"
    path, equals, value = text.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        hint = "write a.b=value, as in --set flink.parallelism=2"
        return Document(file, problems=[Problem(file, None, "", "is no setting and value", hint)])
    document = parse_document(value, file, lambda _: Place(file, None)) if value else Document(file, value="")
    prefix = tuple(keys)
    document.places = {(*prefix, *path): place for path, place in document.places.items()}
    document.written = {(*prefix, *path): text for path, text in document.written.items()}
    for length in range(1, len(prefix) + 1):
        document.places[prefix[:length]] = Place(file, None)
    if document.problems:
        document.value = None  # what is left of it would be taken for settings of the top level
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
