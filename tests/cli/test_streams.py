"""The table of `pipectl watch` after each record."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cli.commands.watch import SHOWN_EVENTS, tables
from cli.streams import STREAMS
from kafka_topic.contracts import MovingAverage, Signal
from kafka_topic.names import Topics

END = datetime(2026, 11, 22, tzinfo=UTC)


def window(symbol: str, seconds: int, count: int) -> MovingAverage:
    start = END - timedelta(seconds=seconds)
    return MovingAverage(symbol, start, END, count, 1.0, 1.0, 3.0, 2.0, 1.5, 75.0)


def test_each_position_has_one_row_a_window_the_shorter_first() -> None:
    records = [
        window("MSFT", 10, 2),
        window("AAPL", 600, 2),
        window("AAPL", 10, 2),
        window("AAPL", 60, 2),
        window("AAPL", 600, 3),
    ]
    *_, last = tables(STREAMS["movingaverage"], iter(records), Topics())
    assert [(row[0], row[1], row[3]) for row in last] == [
        ("AAPL", "10s", "2"),
        ("AAPL", "1m", "2"),
        ("AAPL", "10m", "3"),
        ("MSFT", "10s", "2"),
    ]


def test_of_events_the_newest_are_shown() -> None:
    first = Signal("regime", "high", "AAPL", END, "1m", None, 0.5, 2.0, 1.0, None, None, None, "It rose.")
    signals = (replace(first, price=float(n)) for n in range(1, 51))
    for number, shown in enumerate(tables(STREAMS["signals"], signals, Topics()), 1):
        prices = [row[5] for row in shown]
        assert prices == [str(n) for n in range(max(1, number - SHOWN_EVENTS + 1), number + 1)]
