"""A rendered template read as JSON, so that a mistake in any key can be led back to its template line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from marathon.documents import Place, parse_document
from marathon.errors import Problem
from marathon.paths import KeyPath, dotted, shown
from marathon.templates import Rendered, TemplateFault


@dataclass(frozen=True)
class Definition:
    """The JSON object that a template rendered to, with the template line of each of its keys and items."""

    file: str
    value: dict[str, Any]
    places: dict[KeyPath, Place]

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """`message` as a problem of the line that wrote the key at `path`, or else what holds it."""
        held_by = (path[:length] for length in range(len(path), 0, -1))
        place = next((self.places[held] for held in held_by if held in self.places), Place(self.file, 1))
        return Problem(place.file, place.line, dotted(path), message, hint)


def read_definition(rendered: Rendered) -> Definition:
    """The object in `rendered`. Raises `TemplateFault` at the template line where the JSON breaks."""
    file, text = shown(rendered.template), rendered.text
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        # The parser stops at what follows the mistake, a missing comma most often: name the line before it.
        origin, line = rendered.origin(max(0, len(text[: error.pos].rstrip()) - 1))
        raise TemplateFault(
            Problem(shown(origin), line, "", f"renders to invalid JSON: {error.msg}")
        ) from None
    if not isinstance(value, dict):
        raise TemplateFault(Problem(file, 1, "", "must render to one JSON object"))
    # JSON's parser keeps no positions. JSON is YAML (but for tabs), whose parser does.
    document = parse_document(text.replace("\t", " "), file, lambda mark: _place(rendered, mark.index))
    if document.problems:
        raise TemplateFault(document.problems[0])
    return Definition(file, value, document.places)


def _place(rendered: Rendered, offset: int) -> Place:
    file, line = rendered.origin(offset)
    return Place(shown(file), line)
