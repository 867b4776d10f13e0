"""Parquet files of the tables, written completely or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stores.base import Columns
from stores.errors import RowsError
from stores.tables import Flow, Kind, Table

LEFT_OVER = ".unfinished-"
"""The prefix of a file's name until it is complete."""
_TYPES: dict[Kind, pa.DataType] = {
    "time": pa.timestamp("ms", "UTC"),
    "text": pa.string(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "price": pa.decimal128(17, 8),
}


def schema_of(table: Table) -> pa.Schema:
    """The Arrow schema of a table."""
    return pa.schema(
        [pa.field(each.name, _TYPES[each.kind], nullable=each.optional) for each in table.columns]
    )


def arrow_of(flow: Flow, columns: Columns) -> pa.Table:
    """Rows as an Arrow table. Raises RowsError if they do not match the flow's table."""
    if set(columns) != set(flow.table.names):
        differing = ", ".join(sorted(set(columns) ^ set(flow.table.names)))
        raise RowsError(f"{flow.name}: the columns do not match its table; missing or unknown: {differing}")
    schema = schema_of(flow.table)
    arrays = []
    for field in schema:
        try:
            array = pa.array(columns[field.name], type=field.type)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise RowsError(f"{flow.name}: column {field.name}: {error}") from error
        if array.null_count and not field.nullable:
            raise RowsError(f"{flow.name}: column {field.name} has {array.null_count} nulls, but must not")
        arrays.append(array)
    try:
        return pa.Table.from_arrays(arrays, schema=schema)
    except pa.ArrowException as error:
        raise RowsError(f"{flow.name}: {error}") from error


def write_parquet(path: Path, rows: pa.Table) -> None:
    """Write a file, which is durable when this returns."""
    with replacing(path) as unfinished, writer_of(unfinished, rows.schema) as target:
        target.write_table(rows, row_group_size=2**20)


def writer_of(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet writer with the settings of every file."""
    return pq.ParquetWriter(path, schema, compression="zstd", version="2.6")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to, which replaces `path` at the end of the block if no error occurred."""
    descriptor, name = tempfile.mkstemp(prefix=LEFT_OVER, dir=path.parent)
    os.close(descriptor)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.chmod(0o640)
        _sync(unfinished)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, if they are not there; they are on the disk when this returns."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
