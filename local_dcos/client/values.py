"""Reading JSON resources from files, stdin and key=value words."""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from local_dcos.client.rest import ClientError


def resource(name: str | None) -> Any:
    """Returns the JSON document in file `name`, or on stdin when there is no name.

    Raises:
        ClientError: It can't be read, or isn't JSON.
    """
    if name is not None and not Path(name).is_file():
        raise ClientError(f"Can't read from resource: {name}.\nPlease check that it exists.")
    if name is None and sys.stdin.isatty():
        raise ClientError(
            "We currently don't support reading from the TTY. Please specify an application JSON.\n"
            "E.g.: dcos marathon app add < app_resource.json"
        )
    text = sys.stdin.read() if name is None else Path(name).read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except ValueError as error:
        raise ClientError(f"Error loading JSON: {error}") from error


def properties(words: list[str]) -> Any:
    """Returns the object that key=value words make; without words the JSON document on stdin."""
    if not words:
        return resource(None)
    found: dict[str, Any] = {}
    for word in words:
        key, has_value, value = word.partition("=")
        if not has_value:
            raise ClientError(f"{word!r} is not a valid json-item")
        key = _unquoted(key)
        if key in found:
            raise ClientError(f"Key {key!r} was specified more than once")
        found[key] = _value(_unquoted(value))
    return found


def whole(text: str) -> int:
    """Returns `text` as a whole number."""
    try:
        return int(text)
    except ValueError as error:
        raise ClientError("Error parsing string as int") from error


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _value(text: str) -> Any:
    """Guesses a value as the real client does, its fault included.

    What is no number, boolean, null or list becomes a web address: objects and texts must come on stdin. A
    command that works here must work there.
    """
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(text)
    with contextlib.suppress(ValueError):
        value = json.loads(text.lower())
        if value is None or isinstance(value, bool):
            return value
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, list):
            return value
    return text if text.lower().startswith(("http://", "https://")) else f"https://{text}"
