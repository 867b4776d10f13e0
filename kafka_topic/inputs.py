"""The variable GATHERER_INPUTS: the topics that others own, as a list of objects in JSON.

`InputFormat.java` reads the same JSON. Each input has `topic`, a name, or `pattern`, a regular expression in
Java's syntax that matches whole names, and whatever differs from DEFAULTS.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kafka_topic.errors import SymbolError
from kafka_topic.names import Topics, check_symbol

Input = Mapping[str, Any]
SYMBOL_SOURCES = ("key", "topic", "field")
TIME_FORMS = ("ours", "iso8601", "epoch_s", "epoch_ms", "epoch_us", "record")
FIELDS: Mapping[str, str] = {"time": "ts", "symbol": "symbol", "price": "price"}
DEFAULTS: Mapping[str, Any] = {
    "symbol": "key",
    "fields": FIELDS,
    "time": "ours",
    "symbols": {},
    "non_positive": False,
}


def read_inputs(text: str, topics: Topics) -> tuple[Input, ...]:
    """The inputs that GATHERER_INPUTS holds; none when it is empty.

    topics: the bundle's own topics, none of which may be an input. Raises ValueError that says what is wrong.
    """
    try:
        inputs = json.loads(text or "[]")
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(inputs, list) or not all(isinstance(one, dict) for one in inputs):
        raise ValueError("it must be a list of JSON objects, one for each input")
    for index, one in enumerate(inputs):
        if (problem := next(_problems(one, topics), None)) is not None:
            raise ValueError(f"input {index}: {problem}")
    return tuple(inputs)


def _problems(one: dict[str, Any], topics: Topics) -> Iterator[str]:
    if unknown := sorted(one.keys() - DEFAULTS.keys() - {"topic", "pattern"}):
        yield f"{unknown[0]} is not one of topic, pattern, {', '.join(DEFAULTS)}"
    if ("topic" in one) == ("pattern" in one):
        yield "it must have either a topic or a pattern"
    source, form = one.get("symbol", "key"), one.get("time", "ours")
    if source not in SYMBOL_SOURCES:
        yield f"symbol is {source!r}; it must be one of {', '.join(SYMBOL_SOURCES)}"
    if form not in TIME_FORMS:
        yield f"time is {form!r}; it must be one of {', '.join(TIME_FORMS)}"
    if not isinstance(one.get("non_positive", False), bool):
        yield "non_positive must be true or false"
    yield from _topic_problems(one, topics)
    yield from _field_problems(one)
    yield from _symbol_problems(one.get("symbols", {}))


def _topic_problems(one: dict[str, Any], topics: Topics) -> Iterator[str]:
    name = one.get("topic", one.get("pattern"))
    if not isinstance(name, str) or not name:
        yield "topic, or pattern, must be a non-empty string"
        return
    matches: Callable[[str], object] = name.__eq__
    groups: Mapping[str, int] = {}
    if "pattern" in one:
        try:
            # Java writes a named group without the P.
            pattern = re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", name))
        except re.error as error:
            yield f"pattern {name!r} is not a regular expression: {error}"
            return
        matches, groups = pattern.fullmatch, pattern.groupindex
    if one.get("symbol") == "topic" and "symbol" not in groups:
        yield "the symbol is in the topic's name, so a pattern must mark it: (?<symbol>…)"
    own = (topics.moving_average, topics.signals, topics.dead_letter, topics.limits)
    if taken := [topic for topic in own if matches(topic)]:
        yield f"{taken[0]} is a topic of this bundle; it can't be an input"


def _field_problems(one: dict[str, Any]) -> Iterator[str]:
    fields = one.get("fields", {})
    if not isinstance(fields, dict) or fields.keys() - FIELDS.keys():
        yield f"fields must be an object that names some of {', '.join(FIELDS)}"
        return
    used = dict(FIELDS) | fields
    if one.get("time") == "record":
        del used["time"]
    if one.get("symbol") != "field":
        del used["symbol"]
    paths = list(used.values())
    for index, path in enumerate(paths):
        if not isinstance(path, str) or not all(path.split(".")):
            yield f"{path!r} is not the name of a field"
            return
        if any(f"{path}.".startswith(f"{other}.") for other in paths[:index] + paths[index + 1 :]):
            yield f"the field {path} is used twice"


def _symbol_problems(symbols: object) -> Iterator[str]:
    if not isinstance(symbols, dict):
        yield "symbols must be an object"
        return
    for theirs, ours in symbols.items():
        try:
            check_symbol(ours if isinstance(ours, str) else "")
        except SymbolError as error:
            yield f"symbols: {theirs}: {error}"
