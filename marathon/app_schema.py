"""Checks definitions against JSON Schemas of Marathon and Metronome (schema/NOTICE names their sources)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from marathon.messages import did_you_mean
from marathon.paths import PACKAGE, KeyPath

if TYPE_CHECKING:
    from jsonschema import Draft4Validator
    from jsonschema.exceptions import ValidationError

MARATHON, METRONOME = "Marathon", "Metronome"
_SCHEMAS = {
    MARATHON: PACKAGE / "schema" / "marathon-app-definition-1.7.236.schema.json",
    METRONOME: PACKAGE / "schema" / "metronome-job.schema.json",
}

# Keys that newer versions of Marathon have.
_NEWER_KEYS = {"check", "resourceLimits", "role", "tty"}


def unknown_keys(document: dict[str, Any], of: str = MARATHON) -> Iterator[tuple[KeyPath, str, str]]:
    """The keys of a definition that its service does not know: path, message and hint."""
    for error in _validator(of).iter_errors(document):
        path: KeyPath = tuple(error.absolute_path)
        known = _known_keys(error)
        for key in known and error.instance:
            if key not in known and (path or key not in _NEWER_KEYS):
                yield (*path, key), f"unknown to {of}", did_you_mean(key, known)


def schema_errors(document: dict[str, Any], of: str = MARATHON) -> Iterator[tuple[KeyPath, str]]:
    """The values in a definition that violate the schema: path and message."""
    for error in _validator(of).iter_errors(document):
        path: KeyPath = tuple(error.absolute_path)
        if _known_keys(error):
            continue
        if of == METRONOME:
            yield path, _reason(error) if error.validator == "oneOf" else _short(error.message)
        elif error.validator == "oneOf" and path[:1] != ("env",):
            # unreachableStrategy: why the value matches none of the alternatives.
            yield path, _reason(error)
        elif error.validator not in ("oneOf", "not") and (error.validator, path) != ("pattern", ("id",)):
            # The rules text_environment, one_command and lower_case_id give better messages for these.
            yield path, _short(error.message)


@cache
def _validator(of: str) -> Draft4Validator:
    # Jupyter brings this package. jsonschema would then build its grammars, which takes two seconds, for
    # formats that no schema here has.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from jsonschema import Draft4Validator

    return Draft4Validator(json.loads(_SCHEMAS[of].read_text(encoding="utf-8")))


def _known_keys(error: ValidationError) -> list[str]:
    """The allowed keys, if the error is about a key that is not allowed."""
    schema: Any = error.schema
    return list(schema.get("properties", ())) if error.validator == "additionalProperties" else []


def _reason(error: ValidationError) -> str:
    reasons = [_short(cause.message) for cause in error.context or () if cause.validator != "enum"]
    return "; ".join(reasons) or _short(error.message)


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:197]}…"
