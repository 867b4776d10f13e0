"""The answers: tables of a store in Spark, and what a question finds in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from spark_jobs.errors import SourceError
from spark_jobs.merging import read_while_merging
from spark_jobs.output import aligned
from spark_jobs.queries.catalogue import Query
from stores.base import Store
from stores.file_store import FileStore
from stores.opening import open_store
from stores.tables import Flow, Kind

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_MOST_ROWS = 1_000_000
"""How many rows of a database are read. They pass through this process; files do not."""
_TYPES: dict[Kind, str] = {
    "time": "timestamp",
    "text": "string",
    "whole": "bigint",
    "number": "double",
    "price": "decimal(17, 8)",
}


@dataclass(frozen=True)
class Answer:
    """The columns and rows of an answer."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    def as_table(self) -> str:
        """In plain text."""
        cells = [["-" if value is None else _shown(value) for value in row] for row in self.rows]
        return "\n".join(aligned([[name.upper() for name in self.columns], *cells], texts=1))

    def as_records(self) -> list[dict[str, Any]]:
        """As JSON has it."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def answer(session: SparkSession, query: Query, address: str) -> Answer:
    """Ask the store at an address. Raises SourceError if a flow is missing or too large, and StoreError."""
    with closing(open_store(address)) as store:
        return read_while_merging(
            partial(_files, store, query), lambda files: _answer(session, store, query, files, address)
        )


def _files(store: Store, query: Query) -> dict[str, str]:
    """The flow of each file that a question reads; none of a database."""
    if not isinstance(store, FileStore):
        return {}
    return {file: flow.name for flow in query.flows for file in store.locations(flow.name)}


def _answer(
    session: SparkSession, store: Store, query: Query, files: Mapping[str, str], address: str
) -> Answer:
    for flow in query.flows:
        own = [file for file, name in files.items() if name == flow.name]
        _table(session, store, flow, own, address).createOrReplaceTempView(flow.name)
    found = session.sql(query.sql)
    return Answer(found.columns, [tuple(row) for row in found.collect()])


def _table(session: SparkSession, store: Store, flow: Flow, files: Sequence[str], address: str) -> DataFrame:
    if isinstance(store, FileStore):
        if files:
            return session.read.parquet(*files)
    else:
        rows = list(islice(store.read(flow, *_ALWAYS), _MOST_ROWS + 1))
        if len(rows) > _MOST_ROWS:
            raise SourceError(
                f"{address} holds more than {_MOST_ROWS} rows of {flow.name}; ask the store disk or hdfs"
            )
        if rows:
            schema = ", ".join(f"`{each.name}` {_TYPES[each.kind]}" for each in flow.table.columns)
            return session.createDataFrame([tuple(row.values()) for row in rows], schema)
    raise SourceError(
        f"{address} holds no flow {flow.name}; `pipectl run sink --from {flow.name} --to …` fills it"
    )


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
