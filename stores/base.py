"""What every store does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from stores.errors import AddressError
from stores.tables import Flow

Columns = Mapping[str, Sequence[Any]]
"""Rows by column: names to equally many values."""
Row = Mapping[str, Any]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Batch:
    """What a writer writes at once: the same number, the same rows.

    A writer writes its batches in the order of their numbers, and begins one only when the one before is
    written. After a crash it repeats the last.
    """

    writer: str
    number: int

    def __post_init__(self) -> None:
        check_name("writer", self.writer)
        if self.number < 0:
            raise AddressError(f"batch {self.number} of {self.writer}: numbers begin at 0")


@dataclass(frozen=True)
class Stored:
    """What a store holds of a flow. first, last: its days, "2026-11-22". size: bytes on disk."""

    flow: str
    rows: int
    first: str
    last: str
    files: int
    size: int


class Store(Protocol):
    """A place where flows are kept."""

    def write(self, flow: Flow, batch: Batch, columns: Columns) -> None:
        """Write a batch; it is safe when this returns. A batch that was written before is left as it is.

        Raises RowsError when the columns are not those of the flow's table.
        """

    def read(
        self, flow: Flow, start: datetime, end: datetime, names: Collection[str] | None = None
    ) -> Iterator[Row]:
        """The rows with a time from `start` up to, not including, `end`, in the order of time.

        names: whose rows, all when None. Raises BrokenError for what can't be read.
        """

    def writers(self, flow: str) -> set[str]:
        """Whose batches there are of a flow; none where keys, not batches, make a repeated write harmless."""

    def describe(self) -> list[Stored]:
        """What there is, flow by flow."""


def check_name(what: str, name: str) -> str:
    """The name of a flow or of a writer, which stands in paths and in tables' names."""
    if not _NAME.fullmatch(name):
        raise AddressError(
            f"{what} {name!r}: a name takes lower-case letters, digits, '_' and '-', 64 at most, and begins "
            "with a letter or a digit"
        )
    return name
