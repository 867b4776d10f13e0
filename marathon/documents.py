"""YAML (and so JSON) read with the line of every key, and with every mistake of form named.

Plain values follow YAML 1.2: only `true` and `false` are booleans, so the ticker `ON` stays text, and there
are no octal, sexagesimal or date forms to fall into.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from marathon.errors import Problem
from marathon.paths import KeyPath, dotted, shown

_PREFIX = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - yaml's own shape


for _tag, _form, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_PREFIX + _tag, re.compile(_form), list(_first))


@dataclass(frozen=True)
class Place:
    """A file and a line of it, as shown to the user. An override has no line."""

    file: str
    line: int | None


@dataclass
class Document:
    """The value a file holds, the place of each key and list item, and what is wrong with its form."""

    file: str
    value: Any = None
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_document(file: Path) -> Document:
    """The document in `file`; a file that can't be read is a problem of the document, not an exception."""
    name = shown(file)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        fault = "no such file"
    except OSError as error:
        fault = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        fault = "is not UTF-8 text"
    else:
        return parse_document(text, name, lambda mark: Place(name, mark.line + 1))
    return Document(name, problems=[Problem(name, None, "", fault)])


def parse_document(text: str, file: str, place: Callable[[yaml.Mark], Place]) -> Document:
    """The document in `text`, which `file` holds; `place` tells what to call a position in the text."""
    document = Document(file)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = place(mark).line if mark else None
        message = " ".join(filter(None, (error.context, error.problem)))
        document.problems.append(Problem(file, line, "", f"not valid YAML: {message}"))
    except yaml.YAMLError as error:
        message = " ".join(str(error).split())
        document.problems.append(Problem(file, None, "", f"not valid YAML: {message}"))
    else:
        if node is not None:
            document.value = _Walk(document, place).value(node, (), ())
    return document


@dataclass
class _Walk:
    """One pass over a composed document, filling in the places and problems."""

    document: Document
    place: Callable[[yaml.Mark], Place]

    def value(self, node: yaml.Node, path: KeyPath, above: tuple[yaml.Node, ...]) -> Any:
        if node in above:
            return self._reject(node, path, "an alias that contains itself")
        above = (*above, node)
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(child, (*path, key), above) for key, child in self._pairs(node, path)}
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.document.places[(*path, index)] = self._place(item)
            return [self.value(item, (*path, index), above) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, yaml.Node] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != f"{_PREFIX}str":
                written = key_node.value if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
                self._reject(key_node, path, f"a key must be text, got {written}")
                continue
            key = key_node.value
            if key in seen:
                first = self._place(seen[key]).line
                self._reject(key_node, (*path, key), "written twice", f"the first is on line {first}")
                continue
            seen[key] = key_node
            self.document.places[(*path, key)] = self._place(key_node)
            yield key, child

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        kind = node.tag.removeprefix(_PREFIX)
        match kind:
            case "str":
                return node.value
            case "null":
                return None
            case "bool":
                return node.value.lower() == "true"
            case "int" | "float":
                try:
                    return int(node.value) if kind == "int" else float(node.value)
                except ValueError:
                    return self._reject(node, path, f"not a number: {node.value}")
        return self._reject(node, path, f"the tag {node.tag} is not supported")

    def _place(self, node: yaml.Node) -> Place:
        return self.place(node.start_mark)

    def _reject(self, node: yaml.Node, path: KeyPath, message: str, hint: str = "") -> None:
        place = self._place(node)
        self.document.problems.append(Problem(place.file, place.line, dotted(path), message, hint))
