"""The interface of every store."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from stores.errors import AddressError, RowsError
from stores.tables import Flow

Columns = Mapping[str, Sequence[Any]]
"""Rows by column: column names to values, as many for each column."""
Row = Mapping[str, Any]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LONGEST_TABLE = 48


@dataclass(frozen=True)
class Batch:
    """The rows that a writer writes at once. A number always means the same rows.

    A writer writes its batches in the order of their numbers, and begins one only after the previous one is
    written. After a crash, it repeats the last one.
    """

    writer: str
    number: int

    def __post_init__(self) -> None:
        check_name("writer", self.writer)
        if self.number < 0:
            raise AddressError(f"batch {self.number} of {self.writer}: numbers start at 0")


@dataclass(frozen=True)
class Stored:
    """A flow in a store.

    first, last: its first and last day, "2026-11-22". files: data files, if the store knows them. size: bytes
    on disk; 0 while a store keeps everything in memory.
    """

    flow: str
    rows: int
    first: str
    last: str
    files: int | None
    size: int


class Store(Protocol):
    """A store of flows.

    Every method raises a StoreError when the store cannot be reached or read. keyed: whether it recognises
    repeated writes by the keys of their rows, and not by the numbers of their batches.
    """

    keyed: bool

    @property
    def problem(self) -> str | None:
        """What a write waits for now: that the store does not answer, and why; None if all is well."""

    def write(self, flow: Flow, batch: Batch, columns: Columns) -> None:
        """Write a batch, which is durable when this returns. A batch that was written before is ignored.

        Raises RowsError if the columns do not match the flow's table.
        """

    def read(
        self, flow: Flow, start: datetime, end: datetime, names: Collection[str] | None = None
    ) -> Iterator[Row]:
        """The rows with start <= time < end, in the order of time.

        names: the names to read; None: all. Raises BrokenError if a file cannot be read.
        """

    def newest(self, flow: Flow) -> datetime | None:
        """The time of the newest row; None if there are no rows. Cheap: it reads no column."""

    def writers(self, flow: str) -> set[str]:
        """The writers of a flow's batches."""

    def describe(self) -> list[Stored]:
        """All flows in the store. Counts rows, which may take seconds in a large store."""

    def close(self) -> None:
        """Close the connections of the store, if it has any."""


def check_name(what: str, name: str) -> str:
    """Check the name of a flow or of a writer, which becomes part of paths and table names."""
    if not _NAME.fullmatch(name):
        raise AddressError(
            f"{what} {name!r}: a name has at most 64 lower-case letters, digits, '_' and '-', and starts "
            "with a letter or a digit"
        )
    return name


def table_of(flow: str) -> str:
    """The name of a flow's table in a database. Raises AddressError for a flow that cannot have one."""
    name = check_name("flow", flow)
    if "_" in name or not name[0].isalpha() or len(name) > _LONGEST_TABLE:
        raise AddressError(
            f"flow {name!r}: in a database, a flow has at most {_LONGEST_TABLE} characters, starts with a "
            "letter and has no '_'"
        )
    return name.replace("-", "_")


def rows_of(flow: Flow, columns: Columns) -> list[Sequence[Any]]:
    """The rows in the order of the table's columns. Raises RowsError."""
    if set(columns) != set(flow.table.names):
        differing = ", ".join(sorted(set(columns) ^ set(flow.table.names)))
        raise RowsError(f"{flow.name}: the columns do not match its table; missing or unknown: {differing}")
    values = [columns[name] for name in flow.table.names]
    if len({len(each) for each in values}) > 1:
        raise RowsError(f"{flow.name}: its columns differ in length")
    for column, each in zip(flow.table.columns, values, strict=True):
        if not column.optional and (nulls := sum(value is None for value in each)):
            raise RowsError(f"{flow.name}: column {column.name} has {nulls} nulls, but must not")
    return list(zip(*values, strict=True))
