"""Turns pydantic's errors into messages: one `Problem` per error, at the location of the value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel

from marathon.errors import Problem
from marathon.paths import KeyPath, dotted
from marathon.renamed import REMOVED
from marathon.validators import InvalidValue

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from marathon.layers import Layers

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "model_type": "a mapping of settings",
    "dict_type": "a mapping",
    "tuple_type": "a list",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def path_of(error: ErrorDetails) -> KeyPath:
    """The path of the setting that `error` concerns, without the part with which pydantic marks a key."""
    return tuple(part for part in error["loc"] if part != "[key]")


def problem_of(error: ErrorDetails, model: type[BaseModel], layers: Layers) -> Problem:
    """The problem for `error`, which `model` found in `layers`."""
    path = path_of(error)
    message, hint = _message(error, model, path)
    location = layers.location(path)
    if location is None:
        return Problem("marathon/defaults.yaml", None, dotted(path), message, hint)
    return Problem(location.file, location.line, dotted(path), message, hint)


def _message(error: ErrorDetails, model: type[BaseModel], path: KeyPath) -> tuple[str, str]:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown key", REMOVED.get(path) or _did_you_mean_key(model, path)
    if kind == "missing":
        return "is required, but no file sets it", ""
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, got {_literal(given)}", ""
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"must be {words} {_literal(context[key])}, got {_literal(given)}", ""
    if kind in ("too_short", "string_too_short"):
        return "must not be empty", ""
    if kind == "literal_error":
        choices = [choice.strip("' ") for choice in context["expected"].replace(" or ", ",").split(",")]
        return f"must be one of {', '.join(choices)}, got {_literal(given)}", did_you_mean(
            str(given), choices
        )
    cause = context.get("error")
    if isinstance(cause, ValueError):
        return str(cause), cause.hint if isinstance(cause, InvalidValue) else ""
    return error["msg"], ""


def did_you_mean(word: str, choices: list[str]) -> str:
    """A hint with the choice closest to `word`; empty when none is close."""
    near = get_close_matches(word, choices, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""


def setting_paths(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """The dotted path of every setting of `model`, in order."""
    for name, info in model.model_fields.items():
        section = section_of(info.annotation)
        if section is None:
            yield f"{above}{name}"
        else:
            yield from setting_paths(section, f"{above}{name}.")


def _did_you_mean_key(model: type[BaseModel], path: KeyPath) -> str:
    annotation: Any = model
    for part in path[:-1]:
        section = section_of(annotation)
        if isinstance(part, int):
            annotation = next(iter(get_args(annotation)), None)
        else:
            annotation = section and section.model_fields[part].annotation
    section = section_of(annotation)
    word = str(path[-1])
    # The key may be right and its level wrong: `slots` at the top is probably flink.taskmanager.slots.
    elsewhere = [known for known in setting_paths(model) if known.rpartition(".")[2] == word]
    if elsewhere:
        return f"did you mean {' or '.join(elsewhere)}?"
    return did_you_mean(word, list(section.model_fields)) if section else ""


def section_of(annotation: Any) -> type[BaseModel] | None:
    """The type of the section that a setting holds, nullable or not; None for other settings."""
    if get_origin(annotation) in (Union, UnionType):
        return next(filter(None, map(section_of, get_args(annotation))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _literal(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, default=str, ensure_ascii=False)
