"""The names of a day's files, which state the batches in them.

`<writer>.<first>-<last>.parquet` holds the rows of that day from the writer's batches first to last. If all
batches of a file are also in another file, it was merged into that one and is ignored, even before it is
removed.
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
    """One file: batches of one writer for one day."""

    writer: str
    first: int
    last: int
    folder: Path

    @classmethod
    def of(cls, path: Path) -> Part | None:
        """The part at a path; None if the file is incomplete or does not belong to the store."""
        found = _FORM.fullmatch(path.name)
        if found is None:
            return None
        return cls(found["writer"], int(found["first"]), int(found["last"]), path.parent)

    @classmethod
    def one(cls, folder: Path, batch: Batch) -> Part:
        """The part that holds just this batch."""
        return cls(batch.writer, batch.number, batch.number, folder)

    @property
    def path(self) -> Path:
        return self.folder / f"{self.writer}.{self.first:010d}-{self.last:010d}.parquet"

    def covers(self, other: Part) -> bool:
        """Whether this part holds all batches of the other one."""
        return self.writer == other.writer and self.first <= other.first and other.last <= self.last


def parts_in(folder: Path) -> list[Part]:
    """All parts of a day, by writer and batch."""
    try:
        found = [Part.of(path) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(part for part in found if part is not None)


def split(parts: Iterable[Part]) -> tuple[list[Part], list[Part]]:
    """The valid parts, and those that were merged into one of them."""
    counting: list[Part] = []
    merged: list[Part] = []
    # Of two with the same first batch, the longer one comes first; other overlaps do not occur.
    for part in sorted(parts, key=lambda part: (part.writer, part.first, -part.last)):
        (merged if counting and counting[-1].covers(part) else counting).append(part)
    return counting, merged
