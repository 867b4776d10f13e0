"""Reads a rendered template as JSON, and maps each key back to its template line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from marathon.documents import Location, parse_document
from marathon.errors import Problem
from marathon.paths import KeyPath, dotted, shown
from marathon.templates import Rendered, TemplateFault


@dataclass(frozen=True)
class Definition:
    """A rendered JSON object, with the template line of each key and item."""

    file: str
    value: dict[str, Any]
    locations: dict[KeyPath, Location]

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """A problem at the template line of the key at `path`, else of its nearest parent."""
        prefixes = (path[:length] for length in range(len(path), 0, -1))
        location = next(
            (self.locations[each] for each in prefixes if each in self.locations), Location(self.file, 1)
        )
        return Problem(location.file, location.line, dotted(path), message, hint)


def read_definition(rendered: Rendered) -> Definition:
    """The object in `rendered`. Raises `TemplateFault` at the template line where the JSON breaks."""
    file, text = shown(rendered.template), rendered.text
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        # The parser stops after the error (usually a missing comma), so name the line before.
        origin, line = rendered.origin(max(0, len(text[: error.pos].rstrip()) - 1))
        raise TemplateFault(
            Problem(shown(origin), line, "", f"renders to invalid JSON: {error.msg}")
        ) from None
    if not isinstance(value, dict):
        raise TemplateFault(Problem(file, 1, "", "must render to one JSON object"))
    # The JSON parser keeps no positions. The YAML parser does, and JSON is YAML except for tabs.
    document = parse_document(text.replace("\t", " "), file, lambda mark: _location(rendered, mark.index))
    if document.problems:
        raise TemplateFault(document.problems[0])
    return Definition(file, value, document.locations)


def _location(rendered: Rendered, offset: int) -> Location:
    file, line = rendered.origin(offset)
    return Location(shown(file), line)
