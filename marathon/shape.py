"""The shape of definitions, by JSON Schemas of Marathon and Metronome (their sources: schema/NOTICE)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

from marathon.paths import ROOM, KeyPath
from marathon.wording import did_you_mean

MARATHON, METRONOME = "Marathon", "Metronome"
_SCHEMAS = {
    MARATHON: ROOM / "schema" / "marathon-app-definition-1.7.236.schema.json",
    METRONOME: ROOM / "schema" / "metronome-job.schema.json",
}

# Keys that Marathon got after the schema's version.
_NEWER_KEYS = {"check", "resourceLimits", "role", "tty"}


def unknown_keys(document: dict[str, Any], of: str = MARATHON) -> Iterator[tuple[KeyPath, str, str]]:
    """The keys of a definition that its service doesn't know: path, what is wrong, and a hint."""
    for error in _validator(of).iter_errors(document):
        path: KeyPath = tuple(error.absolute_path)
        known = _known_keys(error)
        for key in known and error.instance:
            if key not in known and (path or key not in _NEWER_KEYS):
                yield (*path, key), f"unknown to {of}", did_you_mean(key, known)


def misshapen(document: dict[str, Any], of: str = MARATHON) -> Iterator[tuple[KeyPath, str]]:
    """The values in a definition that aren't of the shape its service takes: path, and what is wrong."""
    for error in _validator(of).iter_errors(document):
        path: KeyPath = tuple(error.absolute_path)
        if _known_keys(error):
            continue
        if of == METRONOME:
            yield path, _reason(error) if error.validator == "oneOf" else _short(error.message)
        elif error.validator == "oneOf" and path[:1] != ("env",):
            # The alternatives of unreachableStrategy: what keeps the value from being any of them.
            yield path, _reason(error)
        elif error.validator not in ("oneOf", "not") and (error.validator, path) != ("pattern", ("id",)):
            # These have rules that say it better: text_environment, one_command and lower_case_id.
            yield path, _short(error.message)


@cache
def _validator(of: str) -> Draft4Validator:
    return Draft4Validator(json.loads(_SCHEMAS[of].read_text(encoding="utf-8")))


def _known_keys(error: ValidationError) -> list[str]:
    """The keys there might have been, if the error is about one that isn't among them."""
    schema: Any = error.schema
    return list(schema.get("properties", ())) if error.validator == "additionalProperties" else []


def _reason(error: ValidationError) -> str:
    reasons = [_short(cause.message) for cause in error.context or () if cause.validator != "enum"]
    return "; ".join(reasons) or _short(error.message)


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:197]}…"
