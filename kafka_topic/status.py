"""Whether data flows, per position: its last record, and how far the gatherer is behind its prices."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from confluent_kafka import Message, TopicPartition

from kafka_topic.brokers import Brokers, open_consumer, read_between
from kafka_topic.contracts import MovingAverage
from kafka_topic.errors import ContractError, RecordTimeoutError
from kafka_topic.names import Topics, check_symbols

_FIRST_CHUNK = 256
_GROWTH = 8


@dataclass(frozen=True)
class PositionStatus:
    """One position.

    topic: where its prices are. last_window_end: the end of its last window in `movingaverage`, None when
    none was found. lag: prices written after what the gatherer's group has committed, None when unknown.
    """

    symbol: str
    topic: str
    last_window_end: datetime | None
    lag: int | None


def position_status(
    bootstrap_servers: str,
    positions: Iterable[str],
    *,
    prefix: str = "",
    group: str,
    window: str | None = None,
    timeout: float = 10.0,
) -> list[PositionStatus]:
    """The state of each position, in the order given. Missing topics and an unknown group are states, not
    errors.

    window: the label of the window whose records count, such as "10s"; of any when None. `movingaverage` is
    read backwards, committed records only, until every position was seen, the log's beginning is reached or
    `timeout` seconds are over. The lag moves when Flink commits, which it does at each checkpoint. Raises
    BrokerUnreachableError when no broker answers within `timeout`, SymbolError for an impossible symbol.
    """
    deadline = time.monotonic() + timeout
    symbols = check_symbols(positions)
    topics = Topics(prefix)
    brokers = Brokers(bootstrap_servers, timeout=timeout)
    partitions = brokers.partitions([*map(topics.position, symbols), topics.moving_average])
    tail = partitions.pop(topics.moving_average, [])
    lags = _lags(brokers, group, partitions)
    ends = _last_window_ends(brokers, tail, set(symbols), window, deadline)
    return [
        PositionStatus(symbol, topics.position(symbol), ends.get(symbol), lags.get(topics.position(symbol)))
        for symbol in symbols
    ]


def _lags(brokers: Brokers, group: str, topics: dict[str, list[TopicPartition]]) -> dict[str, int]:
    partitions = [partition for several in topics.values() for partition in several]
    committed = brokers.committed(group, partitions) if partitions else {}
    begin, end = brokers.earliest(partitions), brokers.latest(partitions)
    lags: dict[str, int] = {}
    for topic, several in topics.items():
        places = [(topic, each.partition) for each in several]
        if any(place in committed for place in places):
            # A partition without a commit has not been read at all.
            lags[topic] = sum(max(0, end[place] - committed.get(place, begin[place])) for place in places)
    return lags


def _last_window_ends(
    brokers: Brokers,
    partitions: list[TopicPartition],
    symbols: set[str],
    window: str | None,
    deadline: float,
) -> dict[str, datetime]:
    begin, stop = brokers.earliest(partitions), brokers.latest(partitions)
    found: dict[str, datetime] = {}
    chunk = max(_FIRST_CHUNK, 8 * len(symbols))
    consumer = open_consumer(brokers.bootstrap_servers, enable_partition_eof=True, fetch_wait_max_ms=10)
    try:
        while missing := symbols - found.keys():
            start = {
                place: max(begin[place], stop[place] - chunk) for place in stop if stop[place] > begin[place]
            }
            if not start:
                break
            for message in read_between(consumer, start, stop, deadline=deadline):
                _note(message, missing, window, found)
            stop = start
            chunk *= _GROWTH
    except RecordTimeoutError:
        pass  # the rest was not found in time
    finally:
        consumer.close()
    return found


def _note(message: Message, wanted: set[str], window: str | None, found: dict[str, datetime]) -> None:
    key, value = message.key(), message.value()
    if not isinstance(value, bytes) or (
        isinstance(key, bytes) and key.decode(errors="replace") not in wanted
    ):
        return
    try:
        record = MovingAverage.from_json(value)
    except ContractError:
        return  # a broken record says nothing about a position; its readers report it
    if record.symbol in wanted and window in (None, record.window):
        found[record.symbol] = max(record.window_end, found.get(record.symbol, record.window_end))
