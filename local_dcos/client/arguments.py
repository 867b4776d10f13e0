"""A small parser for `dcos`-style arguments; argparse alone would take a third of the client's time."""

from collections.abc import Sequence


class UsageError(Exception):
    """The arguments don't fit; the text is the command's usage."""


class Arguments:
    """Parsed arguments. Not a dataclass: importing that module takes longer than all the parsing."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.options: dict[str, str] = {}
        self.words: list[str] = []

    def has(self, name: str) -> bool:
        return name in self.flags

    def word(self, index: int) -> str | None:
        return self.words[index] if index < len(self.words) else None


def parse(argv: Sequence[str], usage: str, low: int = 0, high: int | None = None) -> Arguments:
    """Parses `argv` by its usage line: "[--json] [--lines=N] <task>" has a flag and an option with a value.

    Args:
        argv: The arguments after the command.
        usage: The usage, which names every option.
        low: The least number of words.
        high: The most, `low` when not given, -1 for any.

    Raises:
        UsageError: They don't fit.
    """
    options: set[str] = set()
    flags: set[str] = set()
    for part in usage.replace("[", " ").replace("]", " ").replace("|", " ").split():
        if part.startswith("-"):
            name, has_value, _ = part.partition("=")
            (options if has_value else flags).add(name)
    result, rest = Arguments(), list(argv)
    while rest:
        word = rest.pop(0)
        name, has_value, value = word.partition("=")
        if name in options and (has_value or rest):
            result.options[name] = value if has_value else rest.pop(0)
        elif word in flags:
            result.flags.add(word)
        elif word.startswith("--"):
            raise UsageError(usage)
        else:
            result.words.append(word)
    most = low if high is None else high
    if len(result.words) < low or (most >= 0 and len(result.words) > most):
        raise UsageError(usage)
    return result
