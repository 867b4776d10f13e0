"""The topics that `pipectl watch` shows: how to read them, their columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cli import output as out
from kafka_topic.contracts import DeadLetter, MovingAverage, Signal, format_time
from kafka_topic.names import Topics
from kafka_topic.windows import window_length

if TYPE_CHECKING:
    from kafka_topic.reading import TopicConsumer

SHOWN_BYTES = 60


@dataclass(frozen=True)
class Stream:
    """One topic.

    topic: its name without the prefix. read: decodes a record. row: the row of a record, given the bundle's
    topic names. key: identifies the record that a new one replaces in a refreshing table, and sorts the
    table; None if each record is an event of its own. open: creates the consumer and imports its client.
    """

    topic: str
    columns: Sequence[str]
    read: Callable[[bytes], Any]
    row: Callable[[Any, Topics], Sequence[str]]
    key: Callable[[Any], tuple[Hashable, ...]] | None
    open: Callable[..., TopicConsumer[Any]]


def _moving_averages(*args: Any, **options: Any) -> TopicConsumer[Any]:
    from kafka_topic.consumer import MovingAverageConsumer

    return MovingAverageConsumer(*args, **options)


def _signals(*args: Any, **options: Any) -> TopicConsumer[Any]:
    from kafka_topic.consumer import SignalConsumer

    return SignalConsumer(*args, **options)


def _dead_letters(*args: Any, **options: Any) -> TopicConsumer[Any]:
    from kafka_topic.consumer import DeadLetterConsumer

    return DeadLetterConsumer(*args, **options)


def _key(record: MovingAverage) -> tuple[str, timedelta]:
    return record.symbol, window_length(record.window)


def _signal_row(signal: Signal, topics: Topics) -> tuple[str, ...]:
    return (
        format_time(signal.time),
        signal.symbol,
        signal.kind,
        signal.event,
        signal.side or "-",
        f"{signal.price:g}",
        signal.reason,
    )


def _letter_row(letter: DeadLetter, topics: Topics) -> tuple[str, ...]:
    return (
        format_time(letter.time),
        topics.symbol_of(letter.topic) or letter.topic,
        f"{letter.partition}:{letter.offset}",
        letter.reason,
        out.one_line(letter.detail) or "-",
        "-" if letter.value is None else out.one_line(letter.value[:SHOWN_BYTES].decode(errors="replace")),
    )


STREAMS: Mapping[str, Stream] = {
    "movingaverage": Stream(
        "movingaverage",
        out.RECORD_COLUMNS,
        MovingAverage.from_json,
        lambda record, topics: out.record_row(record),
        _key,
        _moving_averages,
    ),
    "signals": Stream(
        "signals",
        ("time (UTC)", "symbol", "kind", "event", "side", "price", "reason"),
        Signal.from_json,
        _signal_row,
        None,
        _signals,
    ),
    "dead-letters": Stream(
        "dead_letter",
        ("time (UTC)", "symbol", "offset", "reason", "detail", "record"),
        DeadLetter.from_json,
        _letter_row,
        None,
        _dead_letters,
    ),
}
