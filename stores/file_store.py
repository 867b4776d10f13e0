"""Stores of Parquet files below one folder, with Hive partitions for flow and day.

`<root>/flow=prices/day=2026-11-22/<writer>.<first>-<last>.parquet`, which DuckDB, polars and Spark can read
directly. A file is renamed into place once it is complete. A repeated write is harmless, because the name of
a file states which batches it holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from stores.base import Batch, Columns, Row, Stored, check_name
from stores.compaction import compact
from stores.errors import BrokenError, QueryError
from stores.file_system import FileSystem
from stores.files import Part, parts_of, split
from stores.parquet import ROW_GROUP, arrow_of, schema_of, writer_of
from stores.queries import Result, check_reads
from stores.tables import Flow

_FLOW, _DAY = "flow=", "day="
_READING = ("SELECT", "WITH", "DESCRIBE", "EXPLAIN")
_ATTEMPTS = 5
T = TypeVar("T")
_BROKEN = "{}: {}; restore the file, or delete it and lose its rows"


class FileStore:
    """Flows as files of `files`, whose root the first write creates.

    writing: the same files, for writes, which may wait longer than reads while they are not available.
    """

    keyed = False

    def __init__(self, files: FileSystem, writing: FileSystem | None = None) -> None:
        self._files = files
        self._writing = writing or files

    def write(self, flow: Flow, batch: Batch, columns: Columns) -> None:
        """See Store.write. The rows of a day appear at once; after a crash, the repeat adds missing days."""
        rows = arrow_of(flow, columns)
        days = pc.cast(rows[flow.table.time], pa.date32())
        for day in sorted(pc.unique(days).to_pylist()):
            folder = f"{_folder(flow.name)}/{_DAY}{day.isoformat()}"
            self._writing.make(folder)
            part = Part.one(folder, batch)
            if not any(each.covers(part) for each in parts_of(folder, self._writing.list(folder))):
                self._write(part.path, rows.filter(pc.equal(days, pa.scalar(day, pa.date32()))))
                compact(self._writing, folder)

    def read(
        self, flow: Flow, start: datetime, end: datetime, names: Collection[str] | None = None
    ) -> Iterator[Row]:
        """See Store.read. The requested rows of one day are in memory at once."""
        first, last = start.astimezone(UTC).date(), (end - timedelta(milliseconds=1)).astimezone(UTC).date()
        table = flow.table
        wanted = (ds.field(table.time) >= _scalar(start)) & (ds.field(table.time) < _scalar(end))
        if names is not None:
            wanted &= ds.field(table.name).isin(sorted(names))
        for day, folder in self._days(flow.name):
            if first <= day <= last:
                yield from _while_merging(partial(self._rows, flow, folder, wanted))

    def newest(self, flow: Flow) -> datetime | None:
        """See Store.newest. Reads the footers of the last day's files."""
        return _while_merging(partial(self._newest, flow))

    def describe(self) -> list[Stored]:
        """See Store.describe. Reads the footers of all files."""
        found = [_while_merging(partial(self._described, flow)) for flow in self._flows()]
        return [each for each in found if each is not None]

    def query(self, text: str, *, limit: int, seconds: float) -> Result:
        """See Queryable.query: SQL of DuckDB. A table also has the column `day`, which selects files."""
        from stores.duck import answer

        statement, deadline = check_reads(text, _READING), time.monotonic() + seconds
        while True:
            paths = self._paths_in(statement)
            try:
                tables = {name: self._dataset(found) for name, found in paths.items()}
                return answer(tables, statement, limit=limit, seconds=seconds)
            except (QueryError, FileNotFoundError):
                # A merge may have removed a file meanwhile. New files are no reason to ask again.
                if time.monotonic() >= deadline or self._still_has(paths, statement):
                    raise

    def _still_has(self, paths: Mapping[str, list[str]], statement: str) -> bool:
        """Whether all of these files, which `_paths_in` has found, are there."""
        now = self._paths_in(statement)
        return all(set(found) <= set(now.get(name, ())) for name, found in paths.items())

    def _paths_in(self, statement: str) -> dict[str, list[str]]:
        """The files of each flow that a query may name."""
        tables = {flow: flow.replace("-", "_") for flow in self._flows()}
        named = {flow: name for flow, name in tables.items() if name in statement.lower()}
        return {name: found for flow, name in named.items() if (found := self.paths(flow))}

    def _dataset(self, paths: list[str]) -> ds.Dataset:
        days = ds.partitioning(pa.schema([("day", pa.date32())]), flavor="hive")
        try:
            return ds.dataset(paths, format="parquet", filesystem=self._files.arrow, partitioning=days)
        except pa.ArrowException as error:
            raise BrokenError(_BROKEN.format(self._files.where(paths[0]), error)) from error

    def close(self) -> None:
        """See Store.close."""

    def locations(self, flow: str) -> list[str]:
        """The files of a flow as Hadoop's programs name them."""
        return list(self._files.locations(self.paths(flow)))

    def paths(self, flow: str) -> list[str]:
        """The files of a flow below the root."""
        return [part.path for _, parts in self._parts(flow) for part in parts]

    def writers(self, flow: str) -> set[str]:
        """See Store.writers. Who asks is about to write, so it waits as long as a write."""
        return {part.writer for _, parts in self._parts(flow, self._writing) for part in parts}

    def _flows(self) -> list[str]:
        names = (entry.name for entry in self._files.list(""))
        return [name.removeprefix(_FLOW) for name in names if name.startswith(_FLOW)]

    def _days(self, flow: str, files: FileSystem | None = None) -> list[tuple[date, str]]:
        """The folders of a flow, oldest day first. Folders of other programs do not belong to the store."""
        folder, found = _folder(flow), []
        for entry in (files or self._files).list(folder):
            if entry.name.startswith(_DAY):
                with suppress(ValueError):
                    day = date.fromisoformat(entry.name.removeprefix(_DAY))
                    found.append((day, f"{folder}/{entry.name}"))
        return found

    def _parts(self, flow: str, files: FileSystem | None = None) -> list[tuple[date, list[Part]]]:
        return [(day, split(self._parts_in(folder, files))[0]) for day, folder in self._days(flow, files)]

    def _parts_in(self, folder: str, files: FileSystem | None = None) -> list[Part]:
        return parts_of(folder, (files or self._files).list(folder))

    def _write(self, path: str, rows: pa.Table) -> None:
        with self._writing.replacing(path) as unfinished, writer_of(unfinished, rows.schema) as target:
            target.write_table(rows, row_group_size=ROW_GROUP)

    def _newest(self, flow: Flow) -> datetime | None:
        parts = next((parts for _, parts in reversed(self._parts(flow.name)) if parts), [])
        found = [_latest(self._footer(part.path), flow.table.time) for part in parts]
        return max(found, default=None)

    def _described(self, flow: str) -> Stored | None:
        days = [(day, parts) for day, parts in self._parts(flow) if parts]
        if not days:
            return None
        found = [part for _, parts in days for part in parts]
        rows = sum(self._footer(part.path).num_rows for part in found)
        size = sum(part.size for part in found)
        return Stored(flow, rows, days[0][0].isoformat(), days[-1][0].isoformat(), len(found), size)

    def _rows(self, flow: Flow, folder: str, wanted: ds.Expression) -> list[Row]:
        """The wanted rows of a day, sorted by time and key."""
        paths = [part.path for part in split(self._parts_in(folder))[0]]
        try:
            source = ds.dataset(
                paths, schema=schema_of(flow.table), format="parquet", filesystem=self._files.arrow
            )
            rows = source.to_table(filter=wanted)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise BrokenError(_BROKEN.format(self._files.where(folder), error)) from error
        order = dict.fromkeys((flow.table.time, *flow.table.key), "ascending")
        found: list[Row] = rows.sort_by(list(order.items())).to_pylist()
        return found

    def _footer(self, path: str) -> pq.FileMetaData:
        try:
            return pq.read_metadata(path, filesystem=self._files.arrow)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise BrokenError(_BROKEN.format(self._files.where(path), error)) from error


def _folder(flow: str) -> str:
    return f"{_FLOW}{check_name('flow', flow)}"


def _while_merging(look: Callable[[], T]) -> T:
    """The result of `look`, which is called again if a merge removed a file in the meantime."""
    for _ in range(_ATTEMPTS - 1):
        with suppress(FileNotFoundError):
            return look()
    return look()


def _latest(footer: pq.FileMetaData, column: str) -> datetime:
    """The maximum of a column, from the statistics of the row groups."""
    index = footer.schema.names.index(column)
    found: datetime = max(
        footer.row_group(number).column(index).statistics.max for number in range(footer.num_row_groups)
    )
    return found


def _scalar(time: datetime) -> pa.Scalar:
    return pa.scalar(time.astimezone(UTC), pa.timestamp("ms", "UTC"))
