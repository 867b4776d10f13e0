"""Rows of the tables as Parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stores.base import Columns
from stores.errors import RowsError
from stores.tables import Flow, Kind, Table

ROW_GROUP = 2**20
"""Rows of a row group, at most."""
_TYPES: dict[Kind, pa.DataType] = {
    "time": pa.timestamp("ms", "UTC"),
    "text": pa.string(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "price": pa.decimal128(17, 8),
}
_RISING = (_TYPES["time"], _TYPES["whole"])


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


def writer_of(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet writer with the settings of every file."""
    # Offsets and times go up: as differences, they are written four times as fast, and take almost no space.
    rising = [field.name for field in schema if field.type in _RISING]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        version="2.6",
        use_dictionary=[name for name in schema.names if name not in rising],
        column_encoding=dict.fromkeys(rising, "DELTA_BINARY_PACKED"),
    )
