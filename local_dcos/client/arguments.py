"""A small parser for `dcos` arguments. Importing argparse alone would take a third of the client's time."""

from collections.abc import Sequence


class UsageError(Exception):
    """The arguments are wrong. The text is the usage of the command."""


class Arguments:
    """Parsed arguments. This is no dataclass: importing that module takes longer than the parsing."""

    def __init__(self) -> None:
        self.flags: set[str] = set()
        self.options: dict[str, str] = {}
        self.words: list[str] = []

    def has(self, name: str) -> bool:
        """Whether a flag was given."""
        return name in self.flags

    def word(self, index: int) -> str | None:
        """The positional argument at `index`, or None."""
        return self.words[index] if index < len(self.words) else None


def parse(argv: Sequence[str], usage: str, low: int = 0, high: int | None = None) -> Arguments:
    """Parses `argv` by a usage line. In "[--json] [--lines=N] <task>" only --lines takes a value.

    Args:
        argv: The arguments after the command.
        usage: The usage line. It names every option.
        low: The minimum number of positional arguments.
        high: The maximum; `low` if not given.

    Raises:
        UsageError: The arguments do not fit the usage.
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
    if not low <= len(result.words) <= (low if high is None else high):
        raise UsageError(usage)
    return result
