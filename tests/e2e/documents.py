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

    A line `…` stands for any lines, a word `…` at the end of a line for any words, and `…` in a word for any
    part of it.
    """
    return _fits(shape(printed), shape(shown))


def _fits(found, wanted):
    if ["…"] not in wanted:
        return _same(found, wanted)
    first = wanted.index(["…"])
    rest = wanted[first + 1 :]
    return _same(found[:first], wanted[:first]) and any(
        _fits(found[at:], rest) for at in range(first, len(found) + 1)
    )


def _same(found, wanted):
    return len(found) == len(wanted) and all(
        _same_words(one[: len(other) - 1], other[:-1]) if other[-1:] == ["…"] else _same_words(one, other)
        for one, other in zip(found, wanted, strict=True)
    )


def _same_words(found, wanted):
    return len(found) == len(wanted) and all(
        re.fullmatch(_any_part(other), one) for one, other in zip(found, wanted, strict=True)
    )


def _any_part(word):
    return r"\S*".join(map(re.escape, word.split("…")))


def as_printed(command, printed):
    """The command with each word that holds a `…` as it was printed last. AssertionError: it was not."""

    def copied(word):
        found = re.findall(rf"(?<!\S){_any_part(word[0])}(?!\S)", printed)
        assert found, f"{word[0]} was not printed before `{command}`"
        return found[-1]

    return re.sub(r"\S*…\S*", copied, command)
