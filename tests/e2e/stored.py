"""The stores of a deployed bundle: is each record of the topics that sinks carry there in each store once?"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from kafka_topic.names import Topics
from stores.errors import StoreError
from stores.opening import open_store
from stores.sinks.sources import Source, sources_of
from stores.tables import Table
from tests.e2e.cluster import Cluster
from tests.gatherer.bundle import committed
from tests.hdfs_nodes import NODES

_EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_POLL_SECONDS = 0.5
Values = tuple[Any, ...]
"""A row, in the order of the columns of its table."""
_SINKS = re.compile("sink-to-(?!webhook)")


def servers_of(store: str) -> tuple[str, ...]:
    """What can be killed of a store, by the names of components."""
    return tuple(NODES) if store == "hdfs" else (store,)


@dataclass(frozen=True)
class Difference:
    """How the rows of a store differ from the records of topics.

    records: how many must be there. wrong: rows with other values than their record, or without one.
    """

    records: int
    missing: int
    doubled: int
    wrong: int

    def __bool__(self) -> bool:
        return bool(self.missing or self.doubled or self.wrong)

    def __str__(self) -> str:
        return f"{self.records:,} records: missing {self.missing}, doubled {self.doubled}, wrong {self.wrong}"


def difference(table: Table, wanted: Iterable[Values], found: Iterable[Values]) -> Difference:
    """Compare rows by the key of their table."""
    places = [table.names.index(name) for name in table.key]

    def key(row: Values) -> Values:
        return tuple(row[place] for place in places)

    due = {key(row): row for row in wanted}
    there: dict[Values, list[Values]] = {}
    for row in found:
        there.setdefault(key(row), []).append(row)
    return Difference(
        len(due),
        missing=len(due.keys() - there.keys()),
        doubled=sum(len(rows) - 1 for rows in there.values()),
        wrong=sum(row != due.get(each) for each, rows in there.items() for row in rows),
    )


class Sink:
    """A standing sink, by the name of its app, and its store, by the kind of its address."""

    def __init__(self, cluster: Cluster, app: str) -> None:
        env = cluster.environ(app)
        topics = Topics(env["TOPIC_PREFIX"])
        positions = topics.read_positions(env["POSITIONS"])
        self.app, self.store = app, env["STORE"].partition(":")[0]
        self.servers = servers_of(self.store)
        self._cluster = cluster
        self._sources = sources_of(env["SOURCES"].split(","), topics, positions)
        with mock.patch.dict(os.environ, env):
            self._open = open_store(env["STORE"])

    def close(self) -> None:
        """Close the store."""
        self._open.close()

    def fresh(self, after: float) -> bool:
        """Whether the store has a window of each position that ends after `after`."""
        windows = next(each.flow for each in self._sources if each.name == "movingaverage")
        since = datetime.fromtimestamp(after, UTC)
        try:
            found = {row["symbol"] for row in self._open.read(windows, since, _EVER[1])}
        except StoreError:
            return False
        return self._cluster.positions <= found

    def differences(self, patience: float) -> Iterator[tuple[str, Difference]]:
        """What each flow lacks after at most so many seconds, when no more records come."""
        deadline = time.monotonic() + patience
        for source in self._sources:
            while (found := self._difference(source)).missing and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
            yield f"{source.name} in {self.store}", found

    def _difference(self, source: Source) -> Difference:
        names = source.flow.table.names
        rows: list[Values] = []
        with suppress(StoreError):
            rows = [tuple(row[name] for name in names) for row in self._open.read(source.flow, *_EVER)]
        # Read after the store, which holds nothing else.
        wanted = [
            source.kind.row(each.value(), topic, each.partition(), each.offset())
            for topic in source.topics
            for each in committed(self._cluster.bootstrap_servers, topic)
        ]
        return difference(source.flow.table, wanted, rows)


@contextmanager
def standing_sinks(cluster: Cluster) -> Iterator[list[Sink]]:
    """The sinks into stores that the cluster runs. Their stores are closed at the end of the block."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(closing(Sink(cluster, name)))
            for name in cluster.names()
            if _SINKS.match(name)
        ]
