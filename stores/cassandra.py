"""The store `cassandra`: a table for each flow, in one keyspace.

The rows of an hour are one partition, in the order of time. A repeated write writes the same rows at the same
keys, so it changes nothing. Rows expire after the store's retention, if it has one.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from stores.base import Batch, Columns, Row, Stored, rows_of, table_of
from stores.cql import HOUR, Address, bucket_of, definition_of, expiry_of
from stores.driver import Driver
from stores.queries import Result, check_reads
from stores.tables import Flow

_TOGETHER = 50
"""Rows of one partition that are sent at once: well below the server's limit of a batch."""


class CassandraStore:
    """Flows in the keyspace of `address`, which the first write creates. Threads may share it."""

    keyed = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._driver = Driver(address)
        self._buckets_table = f"{address.keyspace}.buckets"
        self._writers_table = f"{address.keyspace}.writers"
        self._known: set[str] = set()
        self._creating = threading.Lock()

    def write(self, flow: Flow, batch: Batch, columns: Columns) -> None:
        """See Store.write. Each row replaces the one with the same key; the batch's number is not kept.

        While the cluster is not available, the write is repeated for a minute.
        """
        rows = rows_of(flow, columns)
        if not rows:
            return
        self._create(flow)
        at = flow.table.names.index(flow.table.time)
        buckets: dict[datetime, list[Sequence[Any]]] = {}
        for row in rows:
            bucket = bucket_of(row[at])
            buckets.setdefault(bucket, []).append((bucket, *row))
        # Readers find partitions by this list, so it comes first. An entry expires after the last write of
        # its hour, as the rows do.
        self._driver.write(
            f"INSERT INTO {self._buckets_table} (flow, bucket) VALUES (?, ?)",  # noqa: S608  our own table
            [[(flow.name, bucket) for bucket in buckets]],
        )
        self._driver.write(
            f"INSERT INTO {self._writers_table} (flow, writer) VALUES (?, ?)",  # noqa: S608  our own table
            [[(flow.name, batch.writer)]],
        )
        names = ", ".join(f'"{name}"' for name in ("bucket", *flow.table.names))
        marks = ", ".join("?" * (1 + len(flow.table.names)))
        groups = [
            found[start : start + _TOGETHER]
            for found in buckets.values()
            for start in range(0, len(found), _TOGETHER)
        ]
        insert = f"INSERT INTO {self._table(flow.name)} ({names}) VALUES ({marks})"  # noqa: S608  our own table
        self._driver.write(insert, groups)

    def read(
        self, flow: Flow, start: datetime, end: datetime, names: Collection[str] | None = None
    ) -> Iterator[Row]:
        """See Store.read."""
        table = flow.table
        columns = ", ".join(f'"{name}"' for name in table.names)
        query = (
            f"SELECT {columns} FROM {self._table(flow.name)} "  # noqa: S608  our own table
            f'WHERE bucket = ? AND "{table.time}" >= ? AND "{table.time}" < ?'
        )
        for bucket in self._buckets(flow.name):
            if start - HOUR < bucket < end:
                for values in self._driver.read(query, (bucket, start, end)):
                    row = _row_of(flow, values)
                    if names is None or row[table.name] in names:
                        yield row

    def newest(self, flow: Flow) -> datetime | None:
        """See Store.newest. Reads one row."""
        time = flow.table.time
        query = (
            f'SELECT "{time}" FROM {self._table(flow.name)} '  # noqa: S608  our own table
            f'WHERE bucket = ? ORDER BY "{time}" DESC LIMIT 1'
        )
        for bucket in reversed(self._buckets(flow.name)):
            for values in self._driver.read(query, (bucket,)):
                return _utc(values[0])
        return None

    def writers(self, flow: str) -> set[str]:
        """See Store.writers. A writer is forgotten when its last rows expire."""
        if not self._driver.exists("writers"):
            return set()
        query = f"SELECT writer FROM {self._writers_table} WHERE flow = ?"  # noqa: S608  our own table
        return {values[0] for values in self._driver.read(query, (flow,))}

    def describe(self) -> list[Stored]:
        """See Store.describe. Counts the rows of every hour. Sizes are those on the node that answers."""
        if not self._driver.exists("buckets"):
            return []
        query = f"SELECT DISTINCT flow FROM {self._buckets_table}"  # noqa: S608  our own table
        flows, sizes = sorted(values[0] for values in self._driver.read(query)), self._driver.sizes()
        found = [self._described(flow, sizes.get(table_of(flow), 0)) for flow in flows]
        return [each for each in found if each is not None]

    @property
    def problem(self) -> str | None:
        """See Store.problem."""
        return self._driver.problem

    def query(self, text: str, *, limit: int, seconds: float) -> Result:
        """See Queryable.query: CQL that begins with SELECT."""
        return self._driver.query(check_reads(text, ("SELECT",)), limit=limit, seconds=seconds)

    def close(self) -> None:
        """Disconnect."""
        self._driver.close()

    def _described(self, flow: str, size: int) -> Stored | None:
        query = f"SELECT count(*) FROM {self._table(flow)} WHERE bucket = ?"  # noqa: S608  our own table
        counts = {bucket: next(self._driver.read(query, (bucket,)))[0] for bucket in self._buckets(flow)}
        days = [bucket.date().isoformat() for bucket, count in counts.items() if count]
        return Stored(flow, sum(counts.values()), days[0], days[-1], None, size) if days else None

    def _table(self, flow: str) -> str:
        return f"{self._address.keyspace}.{table_of(flow)}"

    def _buckets(self, flow: str) -> list[datetime]:
        """The hours that have had rows, in order; none if there is no such flow."""
        if flow not in self._known and not self._driver.exists(table_of(flow)):
            return []
        self._known.add(flow)
        query = f"SELECT bucket FROM {self._buckets_table} WHERE flow = ?"  # noqa: S608  our own table
        return [_utc(values[0]) for values in self._driver.read(query, (flow,))]

    def _create(self, flow: Flow) -> None:
        # Nodes may disagree on a table that several threads create at the same time.
        with self._creating:
            if flow.name in self._known:
                return
            expiry = expiry_of(self._address.retention)
            self._driver.create(
                f"CREATE TABLE IF NOT EXISTS {self._buckets_table} "
                f"(flow text, bucket timestamp, PRIMARY KEY (flow, bucket)) WITH {expiry}",
                f"CREATE TABLE IF NOT EXISTS {self._writers_table} "
                f"(flow text, writer text, PRIMARY KEY (flow, writer)) WITH {expiry}",
                definition_of(self._address.keyspace, flow, self._address.retention),
                # An existing table follows the settings; its rows keep the retention they were written with.
                *(
                    f"ALTER TABLE {table} WITH {expiry}"
                    for table in (self._buckets_table, self._writers_table, self._table(flow.name))
                ),
            )
            self._known.add(flow.name)


def _row_of(flow: Flow, values: Sequence[Any]) -> Row:
    return {
        column.name: _utc(value) if column.kind == "time" and value is not None else value
        for column, value in zip(flow.table.columns, values, strict=True)
    }


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC)
