"""Windows of ten seconds every second in Pathway, with ticks added up per second first.

python pathway_windows.py SERVERS OUTPUT GROUP TOPIC...
"""

from __future__ import annotations

import sys
from datetime import timedelta

import pathway as pw

SERVERS, OUTPUT, GROUP, *TOPICS = sys.argv[1:]
KAFKA = {"bootstrap.servers": SERVERS, "group.id": GROUP, "auto.offset.reset": "earliest"}


class Tick(pw.Schema):
    ts: str
    symbol: str
    price: float


# No bound: Pathway has one clock for all topics and reads them unevenly, so a bound drops ticks.
records = [pw.io.kafka.read(KAFKA, topic, schema=Tick, format="json", mode="static") for topic in TOPICS]
ticks = pw.Table.concat_reindex(*records).with_columns(ts=pw.this.ts.dt.strptime("%Y-%m-%d %H:%M:%S.%f"))
panes = ticks.windowby(
    ticks.ts,
    window=pw.temporal.tumbling(timedelta(seconds=1)),
    instance=ticks.symbol,
).reduce(
    symbol=pw.this._pw_instance,
    start=pw.this._pw_window_start,
    n=pw.reducers.count(),
    total=pw.reducers.sum(pw.this.price),
    squares=pw.reducers.sum(pw.this.price * pw.this.price),
    low=pw.reducers.min(pw.this.price),
    high=pw.reducers.max(pw.this.price),
)
sums = panes.windowby(
    panes.start,
    window=pw.temporal.sliding(hop=timedelta(seconds=1), duration=timedelta(seconds=10)),
    instance=panes.symbol,
).reduce(
    symbol=pw.this._pw_instance,
    end=pw.this._pw_window_end,
    n=pw.reducers.sum(pw.this.n),
    total=pw.reducers.sum(pw.this.total),
    squares=pw.reducers.sum(pw.this.squares),
    low=pw.reducers.min(pw.this.low),
    high=pw.reducers.max(pw.this.high),
)
variance = (sums.squares - sums.total * sums.total / sums.n) / pw.if_else(sums.n > 1, sums.n - 1, 1)
windows = sums.select(
    symbol=sums.symbol,
    window_end=sums.end.dt.timestamp(unit="ms"),
    count=sums.n,
    min=sums.low,
    max=sums.high,
    mean=sums.total / sums.n,
    stddev=pw.if_else(sums.n > 1, pw.if_else(variance > 0, variance, 0.0) ** 0.5, None),
)
pw.io.kafka.write(windows, KAFKA, OUTPUT, format="json")
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
