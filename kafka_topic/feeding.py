"""Which topics feed each position: its own, and those that the gatherer's inputs name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from kafka_topic.inputs import Input
from kafka_topic.names import Topics


def feeding(
    symbols: Collection[str], topics: Topics, inputs: Iterable[Input], names: Callable[[], Iterable[str]]
) -> dict[str, list[str]]:
    """The topics that may feed each position, its own first.

    inputs: those of the gatherer. names: asks for the topics that exist; it is called only for a pattern.
    A topic of several symbols may feed every position; only the job knows which. A topic that an input names
    counts even when it does not exist; a pattern matches existing topics only.
    """
    found = {symbol: [topics.position(symbol)] for symbol in symbols}
    for one in inputs:
        for topic, symbol in _topics(one, names):
            for fed in symbols if symbol is None else {symbol} & found.keys():
                if topic not in found[fed]:
                    found[fed].append(topic)
    return found


def _topics(one: Input, names: Callable[[], Iterable[str]]) -> Iterator[tuple[str, str | None]]:
    """The topics of an input, each with its only symbol, or None where it may hold several symbols."""
    if "topic" in one:
        yield one["topic"], None
        return
    # Java writes a named group without the P.
    pattern = re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", one["pattern"]))
    for name in names():
        matched = pattern.fullmatch(name)
        if matched is None or name.startswith("__"):
            continue
        if one.get("symbol") != "topic":
            yield name, None
        elif (theirs := matched["symbol"]) is not None:
            yield name, one.get("symbols", {}).get(theirs, theirs)
