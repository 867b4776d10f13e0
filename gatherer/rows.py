"""What the Java part hands over, read: its rows, and the panes in them (see `java/gatherer/`)."""

from __future__ import annotations

import struct
import sys
from array import array
from typing import NamedTuple

from gatherer.panes import Pane

# n, total (two words), sum of squares (three), low, its ms, high, its ms, last, its ms, its place.
_FIXED = struct.Struct(">q QQ QQQ qq qq qqq")
_WORD = 64
PARTITIONS = 4096
"""More than any topic has. offset * PARTITIONS + partition orders the ticks of one millisecond."""

PANE, LATE, BAD, LIMITS = "pane", "late", "bad", "limits"


class Input(NamedTuple):
    """What the analysis is told, by `kind`.

    PANE: content is what `Ticks.java` makes of the ticks of a pane, ms its last millisecond. LATE: one tick
    (ms, units) of a pane that is closed. BAD: a record that is no tick; detail is "reason: more". LIMITS: a
    record of `limits`. All but panes come with the record: its content, topic, partition, offset and
    written_ms, when Kafka got it. symbol: None where the key of limits is.
    """

    symbol: str | None
    kind: str
    content: bytes | None
    ms: int
    units: int | None
    topic: str | None
    partition: int | None
    offset: int | None
    written_ms: int | None
    detail: str | None


def pane_of(row: Input, pane_ms: int) -> Pane:
    """The pane of a row of the kind `pane`."""
    assert row.content is not None  # noqa: S101 - every pane has it
    n, t1, t0, s2, s1, s0, low, low_ms, high, high_ms, last, last_ms, place = _FIXED.unpack_from(row.content)
    counts = array("q", row.content[_FIXED.size :])
    if sys.byteorder == "little":
        counts.byteswap()
    return Pane(
        end_ms=_end_of(row.ms, pane_ms),
        n=n,
        total=(t1 << _WORD) + t0,
        sum_of_squares=(((s2 << _WORD) + s1) << _WORD) + s0,
        low=low,
        high=high,
        low_ms=low_ms,
        high_ms=high_ms,
        last=last,
        last_ms=last_ms,
        last_order=place,
        histogram=dict(zip(counts[::2], counts[1::2], strict=True)) if counts else None,
    )


def tick_of(row: Input, pane_ms: int, *, histogram: bool) -> Pane:
    """The tick of a row of the kind `late`, as a pane of its own."""
    assert row.units is not None  # noqa: S101 - every tick has it
    return Pane(
        end_ms=_end_of(row.ms, pane_ms),
        n=1,
        total=row.units,
        sum_of_squares=row.units**2,
        low=row.units,
        high=row.units,
        low_ms=row.ms,
        high_ms=row.ms,
        last=row.units,
        last_ms=row.ms,
        last_order=(row.offset or 0) * PARTITIONS + (row.partition or 0),
        histogram={row.units: 1} if histogram else None,
    )


def _end_of(ms: int, pane_ms: int) -> int:
    return (ms // pane_ms + 1) * pane_ms
