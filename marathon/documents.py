"""Reads YAML 1.2 (and therefore JSON) with the line of every key, and reports every syntax error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from marathon.errors import Problem
from marathon.paths import KeyPath, dotted, shown

MAX_DEPTH = 50
"""The maximum nesting of lists and mappings. Settings need fewer than ten levels."""
MAX_VALUES = 50_000
"""The maximum number of values in a document, counted again for each use of an alias."""
_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Location:
    """A file and a line, as shown to the user. An override has no line."""

    file: str
    line: int | None


@dataclass
class Document:
    """The value of a file, the location of each key and list item, and its syntax problems.

    `written` holds the text of each number and boolean, for text settings such as `0700`, `1E5` and `TRUE`.
    """

    file: str
    value: Any = None
    locations: dict[KeyPath, Location] = field(default_factory=dict)
    written: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_document(file: Path) -> Document:
    """The document in `file`. An unreadable file is a problem of the document, not an exception."""
    name, line = shown(file), None
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        fault = "no such file"
    except OSError as error:
        fault = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        line, fault = error.object.count(b"\n", 0, error.start) + 1, "is not UTF-8 text"
    else:
        return parse_document(text, name, lambda mark: Location(name, mark.line + 1))
    return Document(name, problems=[Problem(name, line, "", fault)])


def parse_document(text: str, file: str, location: Callable[[StringMark], Location]) -> Document:
    """The document in `text`, the content of `file`. `location` maps a position in the text to a location."""
    document = Document(file)
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = MAX_DEPTH
    yaml.Scanner = _Scanner
    yaml.composer.warn_double_anchors = False
    try:
        node = yaml.compose(text)
        if node is not None:
            document.value = _Walk(document, location, yaml).value(node, (), ())
    except MaxDepthExceededError as error:
        message = f"nested more than {MAX_DEPTH} levels deep"
        document.problems.append(Problem(file, location(error.problem_mark).line, "", message))
    except _TooManyValues as error:
        message = f"more than {MAX_VALUES} values, counting each use of an alias"
        document.problems.append(Problem(file, location(error.mark).line, "", message))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = location(mark).line if mark else None
        message = " ".join(filter(None, (error.context, error.problem)))
        document.problems.append(Problem(file, line, "", f"not valid YAML: {message}"))
    except ReaderError as error:
        # The text before it has been read, so its end is where the character is.
        mark = StringMark(file, error.position, text.count("\n", 0, error.position), 0, text, error.position)
        message = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        document.problems.append(Problem(file, location(mark).line, "", message))
    except YAMLError as error:
        message = " ".join(str(error).split())
        document.problems.append(Problem(file, None, "", f"not valid YAML: {message}"))
    return document


class _Scanner(Scanner):
    """Stops at the bracket that is nested too deeply.

    The composer stops there too, but only after the scanner has read the line, in quadratic time.
    """

    def fetch_flow_collection_start(self, token: Any, to_push: str) -> None:
        if self.flow_level >= MAX_DEPTH:
            raise MaxDepthExceededError(problem_mark=self.reader.get_mark())
        super().fetch_flow_collection_start(token, to_push)


class _TooManyValues(Exception):
    def __init__(self, mark: StringMark) -> None:
        self.mark = mark


@dataclass
class _Walk:
    """One pass over a composed document that fills in the locations and problems."""

    document: Document
    location: Callable[[StringMark], Location]
    yaml: YAML
    count: int = 0

    def value(self, node: Any, path: KeyPath, above: tuple[Any, ...]) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise _TooManyValues(node.start_mark)
        if node in above:
            return self._reject(node, path, "an alias that contains itself")
        above = (*above, node)
        if isinstance(node, MappingNode):
            return {key: self.value(child, (*path, key), above) for key, child in self._pairs(node, path)}
        if isinstance(node, SequenceNode):
            for index, item in enumerate(node.value):
                self.document.locations[(*path, index)] = self.location(item.start_mark)
            return [self.value(item, (*path, index), above) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _pairs(self, node: MappingNode, path: KeyPath) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Any] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, ScalarNode):
                self._reject(key_node, path, "a key must be text, got a list or mapping")
                continue
            key = key_node.value
            if key in seen:
                first = self.location(seen[key].start_mark).line
                hint = f"the first is on line {first}" if first else ""
                self._reject(key_node, (*path, key), "written twice", hint)
                continue
            seen[key] = key_node
            self.document.locations[(*path, key)] = self.location(key_node.start_mark)
            yield key, child

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        match str(node.tag).removeprefix(_PREFIX):
            # YAML 1.2 has no dates, merge keys or default keys, but ruamel.yaml still detects them.
            case "str" | "timestamp" | "merge" | "value":
                return node.value
            case "null":
                return None
            case "bool" | "int" | "float":
                self.document.written[path] = node.value
                try:
                    return self.yaml.constructor.construct_object(node)
                except (ValueError, LookupError):
                    return self._reject(node, path, f"not a number: {node.value[:40]}")
        return self._reject(node, path, f"the tag {node.tag} is not supported")

    def _reject(self, node: Any, path: KeyPath, message: str, hint: str = "") -> None:
        location = self.location(node.start_mark)
        self.document.problems.append(Problem(location.file, location.line, dotted(path), message, hint))
