"""Reads and checks single fields. Every error is a ContractError that names the field and its value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from kafka_topic.errors import ContractError, SymbolError
from kafka_topic.names import check_symbol

_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 2000, 2049
_LABEL_BYTES = 128


@lru_cache(maxsize=4096)
def format_time(time: datetime) -> str:
    """A time as records hold it: "2026-11-22 01:02:03.004", UTC."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")


def parse_time(field: str, value: object) -> datetime:
    """Read the time in a record's field; raises ContractError."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
        except ValueError:
            pass  # such as 30 February; refused below
    raise refused(field, value, 'must be a UTC time such as "2026-11-22 01:02:03.004"')


def json_object(data: bytes, *, number: Callable[[str], Any] | None = None) -> Mapping[str, Any]:
    """Read the JSON object of a record.

    number: converts its numbers, and NaN and Infinity, for which it may raise ValueError. None: Python's own,
    which accepts those two; the check of their field refuses them.
    """
    try:
        fields = json.loads(data, parse_float=number, parse_int=number, parse_constant=number)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"the record is not JSON ({error}): {_shown(data)}") from None
    if not isinstance(fields, dict):
        raise ContractError(f"the record is not a JSON object: {_shown(data)}")
    return fields


def get(fields: Mapping[str, Any], name: str) -> Any:
    """The value of a required field."""
    try:
        return fields[name]
    except KeyError:
        raise ContractError(f"field {name!r} is missing from {_shown(dict(fields))}", field=name) from None


def number(name: str, value: object) -> float:
    """A finite number."""
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refused(name, value, "must be a number")
    try:
        checked = float(value)
    except OverflowError:
        checked = math.inf
    if not math.isfinite(checked):
        raise refused(name, value, "must be finite")
    return checked


def optional_number(name: str, value: object) -> float | None:
    """A finite number or null."""
    return None if value is None else number(name, value)


def positive(name: str, value: object) -> float:
    """A finite number above 0."""
    if (checked := number(name, value)) <= 0:
        raise refused(name, value, "must be above 0")
    return checked


def not_negative(name: str, value: object) -> float:
    """A finite number, 0 or above."""
    if (checked := number(name, value)) < 0:
        raise refused(name, value, "must not be negative")
    return checked


def whole(name: str, value: object, *, least: int) -> int:
    """A whole number."""
    if type(value) is not int or value < least:
        raise refused(name, value, f"must be a whole number, at least {least}")
    return value


def text(name: str, value: object) -> str:
    """A non-empty string."""
    if not isinstance(value, str) or not value:
        raise refused(name, value, "must be a non-empty string")
    return value


def one_of(name: str, value: object, known: Collection[str]) -> str:
    """One of the known words."""
    if not isinstance(value, str) or value not in known:
        raise refused(name, value, f"must be one of {', '.join(known)}")
    return value


def time(name: str, value: object) -> datetime:
    """A time with a time zone, converted to UTC and truncated to the millisecond."""
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise refused(name, value, "must be a datetime with a time zone")
    if value.tzinfo is UTC and not value.microsecond % 1000:
        return value
    utc = value.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def event_time(name: str, value: object) -> datetime:
    """A time as in `time`, in the years 2000 to 2049."""
    utc = time(name, value)
    if not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        years = f"must be in the years {_FIRST_YEAR} to {_LAST_YEAR}"
        raise refused(name, format_time(utc), years)
    return utc


def label(name: str, value: object) -> str:
    """A non-empty text of at most 128 bytes in UTF-8. Stores use it in keys, which are bounded."""
    checked = text(name, value)
    try:
        length = len(checked.encode())
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can escape
        raise refused(name, value, "must be valid Unicode") from None
    if length > _LABEL_BYTES:
        raise refused(name, value, f"must have at most {_LABEL_BYTES} bytes")
    return checked


def symbol(value: object) -> str:
    """A symbol, in the field `symbol`."""
    if not isinstance(value, str):
        raise refused("symbol", value, "must be a string")
    try:
        return check_symbol(value)
    except SymbolError as error:
        raise ContractError(f"field 'symbol': {error}", field="symbol") from None


def refused(field: str, value: object, rule: str) -> ContractError:
    """The error for a field that breaks a rule."""
    return ContractError(f"field {field!r} {rule}; it is {_shown(value)}", field=field)


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 120 else shown[:119] + "…"
