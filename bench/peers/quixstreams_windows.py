"""Windows of ten seconds every second in Quix Streams, with ticks added up per second first.

python quixstreams_windows.py SERVERS OUTPUT GROUP TOPIC...
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from quixstreams import Application

SERVERS, OUTPUT, GROUP, *TOPICS = sys.argv[1:]

Sums = list[float]  # count, sum, sum of squares, min, max


def event_time(tick: dict[str, Any], _headers: Any, _written: float, _kind: Any) -> int:
    return round(datetime.fromisoformat(tick["ts"]).replace(tzinfo=UTC).timestamp() * 1000)


def first_tick(tick: dict[str, Any]) -> Sums:
    price = tick["price"]
    return [1, price, price * price, price, price]


def add_tick(sums: Sums, tick: dict[str, Any]) -> Sums:
    price = tick["price"]
    return merge(sums, [1, price, price * price, price, price])


def merge(one: Sums, other: Sums) -> Sums:
    return [
        one[0] + other[0],
        one[1] + other[1],
        one[2] + other[2],
        min(one[3], other[3]),
        max(one[4], other[4]),
    ]


def window(value: dict[str, Any], key: bytes, _timestamp: int, _headers: Any) -> dict[str, Any]:
    count, total, squares, low, high = value["value"]
    return {
        "symbol": key.decode(),
        "window_end": value["end"],
        "count": count,
        "min": low,
        "max": high,
        "mean": total / count,
        "stddev": max(0.0, (squares - total * total / count) / (count - 1)) ** 0.5 if count > 1 else None,
    }


app = Application(
    broker_address=SERVERS,
    consumer_group=GROUP,
    auto_offset_reset="earliest",
    state_dir="state",
    loglevel="WARNING",
)
output = app.topic(OUTPUT)
for name in TOPICS:
    ticks = app.dataframe(app.topic(name, timestamp_extractor=event_time))
    panes = ticks.tumbling_window(1000, grace_ms=500).reduce(add_tick, first_tick).final()
    windows = (
        panes.apply(lambda pane: pane["value"])
        .hopping_window(10_000, 1000)
        .reduce(merge, lambda pane: pane)
        .final()
    )
    windows.apply(window, metadata=True).to_topic(output)
app.run()
