"""The store `disk`: Parquet files below one folder, with Hive partitions for flow and day.

`<root>/flow=prices/day=2026-11-22/<writer>.<first>-<last>.parquet`, which DuckDB, polars and Spark can read
directly. A file is renamed into place once it is complete. A repeated write is harmless, because the name of
a file states which batches it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from stores.base import Batch, Columns, Row, Stored, check_name
from stores.compaction import compact
from stores.errors import BrokenError
from stores.files import Part, parts_in, split
from stores.parquet import arrow_of, make_folder, schema_of, write_parquet
from stores.tables import Flow

_FLOW, _DAY = "flow=", "day="
_ATTEMPTS = 5
T = TypeVar("T")
_BROKEN = "{}: {}; restore the file, or delete it and lose its rows"


class DiskStore:
    """Flows below the folder `root`, which the first write creates."""

    keyed = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, flow: Flow, batch: Batch, columns: Columns) -> None:
        """See Store.write. The rows of a day appear at once; after a crash, the repeat adds missing days."""
        rows = arrow_of(flow, columns)
        days = pc.cast(rows[flow.table.time], pa.date32())
        for day in sorted(pc.unique(days).to_pylist()):
            folder = self._flow(flow.name) / f"{_DAY}{day.isoformat()}"
            make_folder(folder)
            part = Part.one(folder, batch)
            if not any(each.covers(part) for each in parts_in(folder)):
                write_parquet(part.path, rows.filter(pc.equal(days, pa.scalar(day, pa.date32()))))
                compact(folder)

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
        flows = [folder.name.removeprefix(_FLOW) for folder in sorted(self.root.glob(f"{_FLOW}*"))]
        found = [_while_merging(partial(self._described, flow)) for flow in flows]
        return [each for each in found if each is not None]

    def files(self, flow: str) -> list[Path]:
        """The files of a flow, for programs that read Parquet themselves.

        A merge may replace some of them. Their rows are then in another file, so call this again.
        """
        return [part.path for _, parts in self._parts(flow) for part in parts]

    def writers(self, flow: str) -> set[str]:
        """See Store.writers."""
        return {part.writer for _, parts in self._parts(flow) for part in parts}

    def _flow(self, name: str) -> Path:
        return self.root / f"{_FLOW}{check_name('flow', name)}"

    def _days(self, flow: str) -> list[tuple[date, Path]]:
        """The folders of a flow, oldest day first. Folders of other programs do not belong to the store."""
        found = []
        for folder in sorted(self._flow(flow).glob(f"{_DAY}*")):
            with suppress(ValueError):
                found.append((date.fromisoformat(folder.name.removeprefix(_DAY)), folder))
        return found

    def _parts(self, flow: str) -> list[tuple[date, list[Part]]]:
        return [(day, split(parts_in(folder))[0]) for day, folder in self._days(flow)]

    def _newest(self, flow: Flow) -> datetime | None:
        parts = next((parts for _, parts in reversed(self._parts(flow.name)) if parts), [])
        found = [_latest(_footer(part.path), flow.table.time) for part in parts]
        return max(found, default=None)

    def _described(self, flow: str) -> Stored | None:
        days = [(day, parts) for day, parts in self._parts(flow) if parts]
        if not days:
            return None
        paths = [part.path for _, parts in days for part in parts]
        rows = sum(_footer(path).num_rows for path in paths)
        size = sum(path.stat().st_size for path in paths)
        return Stored(flow, rows, days[0][0].isoformat(), days[-1][0].isoformat(), len(paths), size)

    def _rows(self, flow: Flow, folder: Path, wanted: ds.Expression) -> list[Row]:
        """The wanted rows of a day, sorted by time and key."""
        paths = [str(part.path) for part in split(parts_in(folder))[0]]
        try:
            source = ds.dataset(paths, schema=schema_of(flow.table), format="parquet")
            rows = source.to_table(filter=wanted)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise BrokenError(_BROKEN.format(folder, error)) from error
        order = dict.fromkeys((flow.table.time, *flow.table.key), "ascending")
        found: list[Row] = rows.sort_by(list(order.items())).to_pylist()
        return found


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


def _footer(path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise BrokenError(_BROKEN.format(path, error)) from error
