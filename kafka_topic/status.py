"""The flow of data per position: its last record, and how far the gatherer is behind its prices."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from confluent_kafka import Message, TopicPartition

from kafka_topic.brokers import Brokers, read_between
from kafka_topic.connection import open_consumer
from kafka_topic.contracts import MovingAverage
from kafka_topic.errors import ContractError, KafkaTopicError, RecordTimeoutError
from kafka_topic.feeding import feeding
from kafka_topic.inputs import Input
from kafka_topic.names import Topics, check_symbols
from kafka_topic.progress import progress
from kafka_topic.trouble import Trouble

_FIRST_CHUNK = 256
_GROWTH = 8


@dataclass(frozen=True)
class PositionStatus:
    """One position.

    topic: its own; inputs may feed it too. last_window_end: the end of its last window in `movingaverage`,
    None when none was found. lag: records that the gatherer's group has not committed, None when unknown.
    problem: the worst problem of its partitions, None without one.
    """

    symbol: str
    topic: str
    last_window_end: datetime | None
    lag: int | None
    problem: Trouble | None = None


def position_status(
    bootstrap_servers: str,
    positions: Iterable[str],
    *,
    prefix: str = "",
    inputs: Iterable[Input] = (),
    group: str,
    window: str | None = None,
    timeout: float = 10.0,
) -> list[PositionStatus]:
    """The state of each position, in the given order. Missing topics, partitions without a leader and an
    unknown group are states, not errors.

    inputs: those of the gatherer; their topics count too. window: the label of the window whose records
    count, such as "10s"; all when None. The committed records of `movingaverage` are read backwards until
    every position was seen, the log begins, or `timeout` seconds have passed. Lag and problem change when the
    job commits, at each checkpoint. Raises BrokerUnreachableError when no broker answers within `timeout`,
    KafkaTopicError when `movingaverage` has no leader, SymbolError for an impossible symbol.
    """
    deadline = time.monotonic() + timeout
    symbols = check_symbols(positions)
    topics = Topics(prefix)
    brokers = Brokers(bootstrap_servers, timeout=timeout)
    tail = _led_partitions(brokers, topics.moving_average)
    ends = _last_window_ends(brokers, tail, set(symbols), window, deadline)
    # This comes last, because a leader that hangs uses up the time that is left.
    found = progress(brokers, feeding(symbols, topics, inputs, brokers.names), group)
    return [
        PositionStatus(
            symbol,
            topics.position(symbol),
            ends.get(symbol),
            found[symbol].lag,
            found[symbol].problem,
        )
        for symbol in symbols
    ]


def _led_partitions(brokers: Brokers, topic: str) -> list[TopicPartition]:
    """The partitions of a topic, all of which must have a leader; none when the topic does not exist."""
    leaders = brokers.leaders([topic]).get(topic, {})
    for number, leader in leaders.items():
        if leader is None:
            trouble = Trouble("leaderless", topic, number)
            raise KafkaTopicError(f"{trouble.text}; {trouble.next_step}")
    return [TopicPartition(topic, number) for number in leaders]


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
                partition: max(begin[partition], stop[partition] - chunk)
                for partition in stop
                if stop[partition] > begin[partition]
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
        return  # its readers report a broken record
    if record.symbol in wanted and window in (None, record.window):
        found[record.symbol] = max(record.window_end, found.get(record.symbol, record.window_end))
