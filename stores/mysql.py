"""The store `mysql`: a table for each flow, in one database of MySQL or MariaDB.

A batch is one transaction. A repeated write writes the same rows at the same keys, so it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Any

from stores.base import Batch, Columns, Row, Stored, rows_of, table_of
from stores.mysql_driver import Driver
from stores.queries import Result, check_reads
from stores.sql import (
    BY_TIME,
    WRITER_INSERTION,
    WRITERS,
    WRITERS_TABLE,
    Address,
    definition_of,
    insertion_of,
    selection_of,
)
from stores.tables import Flow

_READING = ("SELECT", "WITH", "SHOW", "DESCRIBE", "EXPLAIN")


class MySqlStore:
    """Flows in the database of `address`. Threads may share it."""

    keyed = True

    def __init__(self, address: Address) -> None:
        self._driver = Driver(address)
        self._known: set[str] = set()
        self._noted: set[tuple[str, str]] = set()

    def write(self, flow: Flow, batch: Batch, columns: Columns) -> None:
        """See Store.write. Each row replaces the one with the same key; the batch's number is not kept.

        While the server is not available, the write is repeated for a minute.
        """
        rows = [tuple(map(_stored, row)) for row in rows_of(flow, columns)]
        if not rows:
            return
        if flow.name not in self._known:
            self._driver.write(definition_of(flow))
            self._known.add(flow.name)
        if (flow.name, batch.writer) not in self._noted:
            self._driver.write(WRITERS)
            self._driver.write(WRITER_INSERTION, [(flow.name, batch.writer)])
            self._noted.add((flow.name, batch.writer))
        self._driver.write(insertion_of(flow), rows)

    def read(
        self, flow: Flow, start: datetime, end: datetime, names: Collection[str] | None = None
    ) -> Iterator[Row]:
        """See Store.read."""
        if (names is not None and not names) or not self._exists(flow):
            return
        query = selection_of(flow, None if names is None else len(names))
        for values in self._driver.read(query, (_stored(start), _stored(end), *sorted(names or ()))):
            yield dict(zip(flow.table.names, map(_read, values), strict=True))

    def newest(self, flow: Flow) -> datetime | None:
        """See Store.newest. Reads the end of an index."""
        if not self._exists(flow):
            return None
        query = f"SELECT MAX(`{flow.table.time}`) FROM `{table_of(flow.name)}`"  # noqa: S608  our own table
        [(found,)] = self._driver.read(query)
        newest: datetime | None = _read(found)
        return newest

    def writers(self, flow: str) -> set[str]:
        """See Store.writers."""
        if not self._has_table(WRITERS_TABLE):
            return set()
        query = f"SELECT writer FROM {WRITERS_TABLE} WHERE flow = %s"  # noqa: S608  our own table
        return {values[0] for values in self._driver.read(query, (flow,))}

    def describe(self) -> list[Stored]:
        """See Store.describe. Counts the rows of every table. Sizes are estimates of the server."""
        query = (
            "SELECT s.table_name, s.column_name, t.data_length + t.index_length "
            "FROM information_schema.statistics s "
            "JOIN information_schema.tables t USING (table_schema, table_name) "
            "WHERE table_schema = DATABASE() AND s.index_name = %s ORDER BY s.table_name"
        )
        found = [self._described(*values) for values in self._driver.read(query, (BY_TIME,))]
        return [each for each in found if each is not None]

    @property
    def problem(self) -> str | None:
        """See Store.problem."""
        return self._driver.problem

    def query(self, text: str, *, limit: int, seconds: float) -> Result:
        """See Queryable.query: SQL that begins with SELECT, WITH, SHOW, DESCRIBE or EXPLAIN."""
        return self._driver.query(check_reads(text, _READING), limit=limit, seconds=seconds)

    def close(self) -> None:
        """Disconnect."""
        self._driver.close()

    def _described(self, table: str, time: str, size: int) -> Stored | None:
        query = f"SELECT COUNT(*), MIN(`{time}`), MAX(`{time}`) FROM `{table}`"  # noqa: S608  our own table
        [(rows, first, last)] = self._driver.read(query)
        if not rows:
            return None
        first_day, last_day = (each.date().isoformat() for each in (first, last))
        return Stored(table.replace("_", "-"), rows, first_day, last_day, None, int(size))

    def _exists(self, flow: Flow) -> bool:
        if flow.name not in self._known:
            if not self._has_table(table_of(flow.name)):
                return False
            self._known.add(flow.name)
        return True

    def _has_table(self, name: str) -> bool:
        query = "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s"
        return any(self._driver.read(query, (name,)))


def _stored(value: Any) -> Any:
    # A DATETIME has no time zone. All of ours are UTC.
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def _read(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
