"""Documents whose commands are run: what a document shows is compared with what its commands print."""

import json
import re

_STEP = re.compile(
    r"^ *\$ (.+)\n((?:\n?(?: *[^\s$`].*\n))*)|```python\n((?:.|\n)*?)```(?:\n\n *```\n((?:.|\n)*?) *```)?",
    re.MULTILINE,
)


def steps_of(document):
    """Commands and programs, in their order: (command, what it prints, "") or ("", what it prints, program).

    What a program prints is the block without a language below it.
    """
    return [(command, shown or below, program) for command, shown, program, below in _STEP.findall(document)]


def shape(printed):
    """What is the same at each run: the keys of JSON, else the words without numbers, and without gaps."""
    printed = re.sub(r"^ {0,3}", "", printed, flags=re.MULTILINE)
    try:
        documents = [json.loads(printed)]
    except ValueError:
        try:
            documents = [json.loads(line) for line in printed.splitlines()]
        except ValueError:
            return [re.sub(r"[\d.:-]+", "#", line).split() for line in printed.splitlines() if line.strip()]
    return [list(document) for document in documents]


def agrees(printed, shown):
    """Whether the output has the shape that a document shows.

    A line `…` stands for any lines, a word `…` at the end of a line for any words, and `…` at the end of a
    word for the rest of it.
    """
    wanted, found = shape(shown), shape(printed)
    if ["…"] not in wanted:
        return _same(found, wanted)
    first, rest = wanted.index(["…"]), len(wanted) - wanted.index(["…"]) - 1
    return _same(found[:first], wanted[:first]) and (not rest or _same(found[-rest:], wanted[-rest:]))


def _same(found, wanted):
    return len(found) == len(wanted) and all(
        _same_words(one[: len(other) - 1], other[:-1]) if other[-1:] == ["…"] else _same_words(one, other)
        for one, other in zip(found, wanted, strict=True)
    )


def _same_words(found, wanted):
    return len(found) == len(wanted) and all(
        one.startswith(other[:-1]) if other.endswith("…") else one == other
        for one, other in zip(found, wanted, strict=True)
    )
