"""Windows of ten seconds every second in bytewax, with ticks added up per second first.

python bytewax_windows.py SERVERS OUTPUT GROUP TOPIC...
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
import bytewax.operators.windowing as win
import orjson
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main

SERVERS, OUTPUT, _GROUP, *TOPICS = sys.argv[1:]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)

Sums = tuple[int, float, float, float, float]  # count, sum, sum of squares, min, max
NONE: Sums = (0, 0.0, 0.0, float("inf"), float("-inf"))


def read(record: Any) -> tuple[str, tuple[datetime, float]]:
    tick = orjson.loads(record.value)
    return tick["symbol"], (datetime.fromisoformat(tick["ts"]).replace(tzinfo=UTC), tick["price"])


def add_tick(sums: Sums, tick: tuple[datetime, float]) -> Sums:
    count, total, squares, low, high = sums
    price = tick[1]
    return (
        count + 1,
        total + price,
        squares + price * price,
        price if price < low else low,
        price if price > high else high,
    )


def merge(one: Sums, other: Sums) -> Sums:
    return (
        one[0] + other[0],
        one[1] + other[1],
        one[2] + other[2],
        min(one[3], other[3]),
        max(one[4], other[4]),
    )


def clock(bound: timedelta) -> win.EventClock[Any, Any]:
    """By event time alone: while a backlog is read, time that passes here must not make ticks late."""
    return win.EventClock(
        lambda item: item[0], bound, now_getter=lambda: EPOCH, to_system_utc=lambda _time: None
    )


def record(item: tuple[str, tuple[int, Sums]]) -> KafkaSinkMessage[bytes, bytes]:
    symbol, (number, (count, total, squares, low, high)) = item
    window = {
        "symbol": symbol,
        "window_end": 1000 * (number + 10),
        "count": count,
        "min": low,
        "max": high,
        "mean": total / count,
        "stddev": max(0.0, (squares - total * total / count) / (count - 1)) ** 0.5 if count > 1 else None,
    }
    return KafkaSinkMessage(symbol.encode(), orjson.dumps(window))


flow = Dataflow("windows")
records = op.input("records", flow, KafkaSource([SERVERS], TOPICS, tail=False))
ticks = op.map("read", records, read)
panes = win.fold_window(
    "panes",
    ticks,
    clock(timedelta(milliseconds=500)),
    win.TumblingWindower(length=SECOND, align_to=EPOCH),
    lambda: NONE,
    add_tick,
    merge,
    ordered=False,
).down
timed = op.map_value("time", panes, lambda pane: (EPOCH + pane[0] * SECOND, pane[1]))
windows = win.fold_window(
    "windows",
    timed,
    clock(timedelta(0)),
    win.SlidingWindower(length=10 * SECOND, offset=SECOND, align_to=EPOCH),
    lambda: NONE,
    lambda sums, pane: merge(sums, pane[1]),
    merge,
    ordered=False,
).down
op.output("output", op.map("record", windows, record), KafkaSink([SERVERS], OUTPUT))
cli_main(flow)
