"""The shape of a definition, checked with a JSON Schema of the API that it is for.

pipectl checks its templates with the same files. So what pipectl accepts, this cluster never refuses for its
shape.
"""

import json
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import Draft4Validator
    from jsonschema.exceptions import ValidationError

Problem = tuple[str, str]
"""The path of a value, such as "/healthChecks(0)/port", and what is wrong with it."""
FOLDER = Path(__file__).parents[1] / "marathon" / "schema"
# The limits of one machine. As a time, the largest number is 31 years.
MAX_INSTANCES = 200
MAX_ITEMS = 100
MAX_NUMBER = 1e9
MAX_PROBLEMS = 100
MAX_MESSAGE = 200
# Marathon's names for the JSON types in its errors.
TYPES = {
    "array": "error.expected.jsarray",
    "boolean": "error.expected.jsboolean",
    "integer": "error.expected.int",
    "number": "error.expected.jsnumber",
    "object": "error.expected.jsobject",
    "string": "error.expected.jsstring",
}


def validator(schema: Any) -> "Draft4Validator":
    """The validator of a JSON Schema."""
    # Imported when the first document arrives: the agent starts faster. Without the grammars of a package
    # that Jupyter brings, which take two seconds.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    from jsonschema import Draft4Validator

    return Draft4Validator(schema)


class Shape:
    """A JSON Schema in `marathon/schema`, with the limits of this machine."""

    def __init__(self, file: str, adapt: Callable[[Any], None]) -> None:
        """`adapt` changes the document of the schema before it is used."""
        self._file = FOLDER / file
        self._adapt = adapt

    def problems(self, document: Any) -> list[Problem]:
        """Returns what is wrong with the shape of a document, 100 problems at most, each once."""
        errors = self._validator.iter_errors(document)
        found = (problem for error in errors for problem in _problems(error))
        return list(dict.fromkeys(islice(found, MAX_PROBLEMS)))

    @cached_property
    def _validator(self) -> "Draft4Validator":
        schema = json.loads(self._file.read_text(encoding="utf-8"))
        self._adapt(schema)
        _add_limits(schema)
        return validator(schema)


def _adapt_app(schema: Any) -> None:
    """Adds Marathon's newer keys. Removes what `definition` checks with better errors."""
    del schema["not"]
    # The pattern of this type takes exponential time for some texts.
    schema["definitions"]["pathType"] = {"type": "string"}
    schema["properties"] |= {
        "check": {"type": "object"},
        "resourceLimits": {"type": "object"},
        "role": {"type": "string"},
        "tty": {"type": "boolean"},
    }
    schema["properties"]["container"]["properties"]["linuxInfo"] = {"type": "object"}
    schema["properties"]["instances"]["maximum"] = MAX_INSTANCES


def _adapt_job(schema: Any) -> None:
    """Adds Metronome's keys that have no effect here, so that jobs that use them run."""
    schema["properties"]["run"]["properties"] |= {
        "artifacts": {"type": "array", "items": {"type": "object", "required": ["uri"]}},
        "gpus": {"type": "integer", "minimum": 0},
        "placement": {"type": "object"},
    }


APP = Shape("marathon-app-definition-1.7.236.schema.json", _adapt_app)
JOB = Shape("metronome-job.schema.json", _adapt_job)


def _add_limits(schema: Any) -> None:
    """Limits the numbers and the lists, except lists of texts such as `args`."""
    if isinstance(schema, dict):
        items = schema.get("items")
        if schema.get("type") in ("integer", "number"):
            schema.setdefault("maximum", MAX_NUMBER)
        elif schema.get("type") == "array" and not (
            isinstance(items, dict) and items.get("type") == "string"
        ):
            schema.setdefault("maxItems", MAX_ITEMS)
    if isinstance(schema, dict | list):
        for each in schema.values() if isinstance(schema, dict) else schema:
            _add_limits(each)


def _problems(error: "ValidationError") -> Iterator[Problem]:
    """Yields the problems behind one error of the validator, in the words that clients know."""
    path = "".join(f"({part})" if isinstance(part, int) else f"/{part}" for part in error.absolute_path)
    expected: Any = error.validator_value
    value: Any = error.instance
    match error.validator:
        case "additionalProperties":
            schema: Any = error.schema
            for key in value:
                if key not in schema["properties"]:
                    yield f"{path}/{key}", "is not a known property"
        case "required":
            for key in expected:
                if key not in value:
                    yield f"{path}/{key}", "error.path.missing"
        case "oneOf":
            # The errors inside the value are more precise.
            inner = [problem for cause in error.context or () if cause.path for problem in _problems(cause)]
            yield from inner or [(path, "has none of the accepted forms")]
        case "type":
            # Marathon asks for an integer only where it got another number.
            asks_number = expected == "integer" and not isinstance(value, float)
            yield path, TYPES["number" if asks_number else expected]
        case "enum":
            yield path, f"error.unknown.enum.literal, expected one of: {', '.join(expected)}"
        case "minimum":
            yield path, f"error.min, expected at least {expected:g}"
        case "maximum":
            yield path, f"error.max, expected at most {expected:g}"
        case "maxItems":
            yield path, f"error.maxLength, expected at most {expected} items"
        case _:
            yield path, error.message[:MAX_MESSAGE]
