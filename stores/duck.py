"""Queries on files: SQL of DuckDB, which can read nothing but the tables that it is given."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import duckdb
import pyarrow.dataset as ds

from stores.errors import QueryError
from stores.queries import Result

_MEMORY = "1GB"


def answer(tables: Mapping[str, ds.Dataset], text: str, *, limit: int, seconds: float) -> Result:
    """The first `limit` rows of a query on these tables.

    Raises QueryError if it is not valid, or takes longer than `seconds`.
    """
    connection = duckdb.connect(config={"memory_limit": _MEMORY, "python_enable_replacements": False})
    timer = threading.Timer(seconds, connection.interrupt)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        timer.start()
        reader = connection.sql(text).to_arrow_reader(limit + 1)
        rows: list[tuple[object, ...]] = []
        for batch in reader:
            rows += zip(*(column.to_pylist() for column in batch.columns), strict=True)
            if len(rows) > limit:
                break
        return Result(reader.schema.names, rows[:limit], len(rows) > limit)
    except duckdb.InterruptException as error:
        raise QueryError(f"the query took longer than {seconds:g} s; narrow it, or allow more") from error
    except duckdb.Error as error:
        # What follows shows the place in the query.
        raise QueryError(str(error).partition("\n")[0]) from error
    finally:
        timer.cancel()
        connection.close()
