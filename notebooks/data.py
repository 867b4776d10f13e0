"""The bundle's data as tables of pandas: from its topics, and from the stores that it has.

A table has a row for each record, in the order of time. Times are UTC. The variables of the app say where
topics and stores are.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import cache

import pandas

from kafka_topic.brokers import Brokers, read_between
from kafka_topic.connection import open_consumer
from kafka_topic.errors import ContractError, TopicMissingError
from kafka_topic.names import Topics
from stores.base import Store
from stores.errors import QueryError
from stores.opening import open_store
from stores.queries import Queryable
from stores.sinks.sources import TICKS, Source, sources_of

_BROKER_SECONDS, _READING_SECONDS = 10.0, 120.0
_log = logging.getLogger(__name__)


def symbols() -> list[str]:
    """The symbols of the bundle's positions."""
    return list(_topics().read_positions(os.environ["POSITIONS"]))


def movingaverage(
    window: str = "10s", *, minutes: float = 10, positions: Collection[str] | None = None
) -> pandas.DataFrame:
    """The windows of one length that ended in the last minutes, with all statistics."""
    table = recent("movingaverage", minutes=minutes)
    return _of(table[table["window"] == window], positions)


def signals(*, minutes: float = 60, positions: Collection[str] | None = None) -> pandas.DataFrame:
    """The signals of the last minutes."""
    return _of(recent("signals", minutes=minutes), positions)


def ticks(*positions: str, minutes: float = 10, source: str = TICKS) -> pandas.DataFrame:
    """The prices of these positions, or of all, that came in the last minutes. `price` is a float.

    source: `ticks`, or another one of prices, such as `replay`: those that `pipectl run replay` wrote.
    """
    table = _of(recent(source, minutes=minutes, positions=positions), positions or None)
    return table.assign(price=table["price"].astype(float))


def recent(flow: str, *, minutes: float, positions: Collection[str] = ()) -> pandas.DataFrame:
    """The records of a flow that Kafka got in the last minutes, up to now.

    flow: one that sinks read, such as `movingaverage`. positions: for `ticks`; all without any. A record that
    breaks its contract is logged and left out. Raises TopicMissingError if there is no such topic yet.
    """
    source = _source(flow, positions or symbols())
    since = int((datetime.now(UTC) - timedelta(minutes=minutes)).timestamp() * 1000)
    servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    brokers = Brokers(servers, timeout=_BROKER_SECONDS)
    found = brokers.partitions(source.topics)
    if missing := sorted(set(source.topics) - found.keys()):
        raise TopicMissingError(
            f"the topic {missing[0]} does not exist; `pipectl deploy` creates it, or the first run of its job"
        )
    partitions = [partition for several in found.values() for partition in several]
    rows = []
    consumer = open_consumer(servers, enable_partition_eof=True)
    try:
        for message in read_between(
            consumer,
            brokers.since(partitions, since),
            brokers.latest(partitions),
            deadline=time.monotonic() + _READING_SECONDS,
        ):
            value = message.value()
            try:
                rows.append(source.kind.read(value if isinstance(value, bytes) else b""))
            except ContractError as error:
                where = f"{message.topic()}, partition {message.partition()}, offset {message.offset()}"
                _log.warning("%s: %s", where, error)
    finally:
        consumer.close()
    table = pandas.DataFrame(rows, columns=list(source.kind.names))
    return table.sort_values(source.kind.table.time, ignore_index=True, kind="stable")


def stores() -> list[str]:
    """The names of the bundle's stores."""
    return sorted(_addresses())


def stored(store: str, flow: str, *, minutes: float = 60) -> pandas.DataFrame:
    """The rows of a flow, such as `movingaverage`, that a store has of the last minutes."""
    source, now = _source(flow, symbols()), datetime.now(UTC)
    rows = _open(store).read(source.flow, now - timedelta(minutes=minutes), now)
    return pandas.DataFrame(rows, columns=list(source.flow.table.names))


def query(store: str, text: str, *, limit: int = 100_000, seconds: float = 60) -> pandas.DataFrame:
    """The rows of a query in the store's own language, which only reads. Raises QueryError."""
    opened = _open(store)
    if not isinstance(opened, Queryable):
        raise QueryError(f"the store {store} answers no queries; stored({store!r}, …) reads its rows")
    result = opened.query(text, limit=limit, seconds=seconds)
    if result.more:
        _log.warning("only the first %d rows; `limit` asks for more", limit)
    return pandas.DataFrame(result.rows, columns=list(result.columns))


def _topics() -> Topics:
    return Topics(os.environ.get("TOPIC_PREFIX", ""))


def _source(flow: str, positions: Collection[str]) -> Source:
    (source,) = sources_of([flow], _topics(), tuple(positions))
    return source


def _of(table: pandas.DataFrame, positions: Collection[str] | None) -> pandas.DataFrame:
    chosen = table if positions is None else table[table["symbol"].isin(positions)]
    return chosen.reset_index(drop=True)


def _addresses() -> dict[str, str]:
    found: dict[str, str] = json.loads(os.environ.get("STORES", "{}"))
    return found


@cache
def _open(store: str) -> Store:
    addresses = _addresses()
    if store not in addresses:
        raise LookupError(
            f"this bundle has no store {store}, but {', '.join(addresses) or 'none'}; "
            f"`pipectl deploy --with {store}` adds it"
        )
    return open_store(addresses[store])
