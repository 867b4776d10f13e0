"""The names of a day's files, which state the batches in them.

`<writer>.<first>-<last>.parquet` holds the rows of that day from the writer's batches first to last. If all
batches of a file are also in another file, it was merged into that one and is ignored, even before it is
removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from stores.base import Batch
from stores.file_system import Entry

_FORM = re.compile(r"(?P<writer>[a-z0-9_-]+)\.(?P<first>[0-9]+)-(?P<last>[0-9]+)\.parquet")


@dataclass(frozen=True, order=True)
class Part:
    """One file: batches of one writer for one day. size: in bytes; 0 while it is not written."""

    writer: str
    first: int
    last: int
    folder: str
    size: int = field(default=0, compare=False)

    @classmethod
    def of(cls, folder: str, entry: Entry) -> Part | None:
        """The part that a file is; None if the file is incomplete or does not belong to the store."""
        found = _FORM.fullmatch(entry.name)
        if found is None:
            return None
        return cls(found["writer"], int(found["first"]), int(found["last"]), folder, entry.size)

    @classmethod
    def one(cls, folder: str, batch: Batch) -> Part:
        """The part that holds just this batch."""
        return cls(batch.writer, batch.number, batch.number, folder)

    @property
    def path(self) -> str:
        """Below the root of the store."""
        return f"{self.folder}/{self.writer}.{self.first:010d}-{self.last:010d}.parquet"

    def covers(self, other: Part) -> bool:
        """Whether this part holds all batches of the other one."""
        return self.writer == other.writer and self.first <= other.first and other.last <= self.last


def parts_of(folder: str, entries: Iterable[Entry]) -> list[Part]:
    """All parts of a day, by writer and batch. entries: what is in its folder."""
    found = [Part.of(folder, entry) for entry in entries]
    return sorted(part for part in found if part is not None)


def split(parts: Iterable[Part]) -> tuple[list[Part], list[Part]]:
    """The valid parts, and those that were merged into one of them."""
    counting: list[Part] = []
    merged: list[Part] = []
    # Of two with the same first batch, the longer one comes first; other overlaps do not occur.
    for part in sorted(parts, key=lambda part: (part.writer, part.first, -part.last)):
        (merged if counting and counting[-1].covers(part) else counting).append(part)
    return counting, merged
