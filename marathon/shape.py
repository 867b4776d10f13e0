"""The shape of an app definition, by Marathon's own JSON Schema (schema/NOTICE says where it is from)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

from marathon.paths import ROOM, KeyPath
from marathon.wording import did_you_mean

_SCHEMA = ROOM / "schema" / "marathon-app-definition-1.7.236.schema.json"

# Keys that Marathon got after the schema's version.
_NEWER_KEYS = {"check", "resourceLimits", "role", "tty"}


def misshapen(app: dict[str, Any]) -> Iterator[tuple[KeyPath, str, str]]:
    """Every part of `app` that isn't of the shape Marathon takes: its path, what is wrong, and a hint."""
    for error in _validator().iter_errors(app):
        path: KeyPath = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            yield from _unknown_keys(error, path)
        elif error.validator == "oneOf" and path[:1] != ("env",):
            # The alternatives of unreachableStrategy: what keeps the value from being any of them.
            yield path, _reason(error), ""
        elif error.validator not in ("oneOf", "not") and (error.validator, path) != ("pattern", ("id",)):
            # These have rules that say it better: text_environment, one_command and lower_case_id.
            yield path, _short(error.message), ""


@cache
def _validator() -> Draft4Validator:
    return Draft4Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))


def _unknown_keys(error: ValidationError, path: KeyPath) -> Iterator[tuple[KeyPath, str, str]]:
    schema: Any = error.schema
    instance: Any = error.instance
    known = schema.get("properties", {})
    if not known:
        # A map of free names, labels for one: the value is what is wrong.
        yield path, _short(error.message), ""
        return
    for key in instance:
        if key not in known and (path or key not in _NEWER_KEYS):
            yield (*path, key), "unknown to Marathon", did_you_mean(key, list(known))


def _reason(error: ValidationError) -> str:
    reasons = [_short(cause.message) for cause in error.context or () if cause.validator != "enum"]
    return "; ".join(reasons) or _short(error.message)


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:197]}…"
