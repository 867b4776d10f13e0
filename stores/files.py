"""The names of a day's files, which say what batches are in them.

`<writer>.<first>-<last>.parquet` holds what the writer's batches from first to last have for that day. A file
whose batches are all in another one was merged into it: it no longer counts, whether or not it was removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stores.base import Batch

_FORM = re.compile(r"(?P<writer>[a-z0-9_-]+)\.(?P<first>\d+)-(?P<last>\d+)\.parquet")


@dataclass(frozen=True, order=True)
class Part:
    """One file: the batches of one writer, of one day."""

    writer: str
    first: int
    last: int
    folder: Path

    @classmethod
    def of(cls, path: Path) -> Part | None:
        """The part that a path names; None for a file that is none of ours, or not whole yet."""
        found = _FORM.fullmatch(path.name)
        if found is None:
            return None
        return cls(found["writer"], int(found["first"]), int(found["last"]), path.parent)

    @classmethod
    def one(cls, folder: Path, batch: Batch) -> Part:
        """The part that a batch makes."""
        return cls(batch.writer, batch.number, batch.number, folder)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.writer}.{self.first:010d}-{self.last:010d}.parquet"

    def covers(self, other: Part) -> bool:
        """Whether all that is in the other is in this one."""
        return self.writer == other.writer and self.first <= other.first and other.last <= self.last


def parts_in(folder: Path) -> list[Part]:
    """All parts of a day, by writer and batch."""
    try:
        found = [Part.of(path) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(part for part in found if part is not None)


def split(parts: Iterable[Part]) -> tuple[list[Part], list[Part]]:
    """Those that count, and those that were merged into one of these."""
    counting: list[Part] = []
    merged: list[Part] = []
    # Of two that begin alike, the one that reaches further comes first; no two overlap otherwise.
    for part in sorted(parts, key=lambda part: (part.writer, part.first, -part.last)):
        (merged if counting and counting[-1].covers(part) else counting).append(part)
    return counting, merged
