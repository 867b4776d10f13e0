"""What can go wrong in this room.

MarathonError
└── BundleError        settings or templates that cannot be deployed; carries every `Problem` found
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, what is wrong there, and what to do about it.

    `file` is the file as the user knows it (`marathon/clusters/prod.yaml`, the path given with `-f`, a
    template), or `--set a.b=c` for an override, which has no line. `path` is the key inside the file
    (`flink.taskmanager.slots`), empty when the whole file is meant.
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
        return f"{where}: {key}{self.message}{hint}"


class MarathonError(Exception):
    """The root of this room's errors."""


class BundleError(MarathonError):
    """The bundle cannot be deployed as it is written. Nothing was contacted."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        # The same mistake can come up on several ways through the checks; it is told once.
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))
