"""The errors of this package.

MarathonError
└── BundleError        invalid settings or templates, with every `Problem` found
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import category

# Control characters, marks of direction, halves of characters, ends of lines. A terminal would obey some.
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@dataclass(frozen=True)
class Problem:
    """One error: its location, what is wrong, and the next step.

    `file` is the file as the user knows it (`marathon/clusters/prod.yaml`, the path given with `-f`, a
    template), or `--set a.b=c` for an override, which has no line. `path` is the key in the file
    (`flink.taskmanager.slots`); it is empty when the whole file is wrong.
    """

    file: str
    line: int | None
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{self.path}: " if self.path else ""
        hint = f"; {self.hint}" if self.hint else ""
        return "".join(map(_visible, f"{where}: {key}{self.message}{hint}"))


def _visible(character: str) -> str:
    if category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode()


class MarathonError(Exception):
    """The base class of this package's errors."""


class BundleError(MarathonError):
    """Settings or templates are invalid. Nothing was contacted."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        # Several checks can find the same error. Report it once.
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))
