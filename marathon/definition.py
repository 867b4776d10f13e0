"""Reads a rendered template as JSON, and maps each key of a problem back to its template line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ruamel.yaml.error import StringMark

from marathon.documents import Document, Location, parse_document
from marathon.errors import Problem
from marathon.paths import KeyPath, dotted, shown
from marathon.templates import Rendered, TemplateFault


@dataclass
class Definition:
    """A rendered JSON object that knows the template line of each key and item."""

    rendered: Rendered
    value: dict[str, Any]

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """A problem at the template line of the key at `path`, else of its nearest parent."""
        locations = self._document.locations
        prefixes = (path[:length] for length in range(len(path), 0, -1))
        location = next((locations[each] for each in prefixes if each in locations), Location(self.file, 1))
        return Problem(location.file, location.line, dotted(path), message, hint)

    @property
    def file(self) -> str:
        return shown(self.rendered.template)

    @cached_property
    def _document(self) -> Document:
        return _document(self.rendered)


def read_definition(rendered: Rendered) -> Definition:
    """The object in `rendered`. Raises `TemplateFault` at the template line where the JSON breaks."""
    file, text = shown(rendered.template), rendered.text
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        # The parser stops after the error (usually a missing comma), so name the line before.
        origin, line = rendered.origin(max(0, len(text[: error.pos].rstrip()) - 1))
        raise TemplateFault(
            Problem(shown(origin), line, "", f"renders to invalid JSON: {error.msg}")
        ) from None
    except _WrittenTwice:
        raise TemplateFault(_document(rendered).problems[0]) from None
    if not isinstance(value, dict):
        raise TemplateFault(Problem(file, 1, "", "must render to one JSON object"))
    return Definition(rendered, value)


class _WrittenTwice(Exception):
    """An object has a key twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _WrittenTwice
    return value


def _document(rendered: Rendered) -> Document:
    """The text with the template line of each key.

    The JSON parser keeps no positions. The YAML parser does, but it takes far longer, so it reads only text
    with a problem. JSON is YAML except for tabs.
    """

    def location(mark: StringMark) -> Location:
        file, line = rendered.origin(mark.index)
        return Location(shown(file), line)

    return parse_document(rendered.text.replace("\t", " "), shown(rendered.template), location)
