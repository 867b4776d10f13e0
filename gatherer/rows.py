"""Reads the rows that Java hands over, and the panes in them (`AnalysisOperator.java`, `PaneBytes.java`)."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from gatherer.panes import Histogram, Pane, one_tick

PANES, LETTER, LIMITS, STATE = range(4)
"""The kinds of rows, as in `Update.java` and `AnalysisOperator.java`."""
PARTITIONS = 4096
"""More than a topic has. offset * PARTITIONS + partition orders the ticks of one millisecond."""

# Its kind, clock_ms, partition, offset, written_ms; the lengths of its symbol, content, topic, reason and
# detail, -1 for one that is missing. These five follow.
_ROW = struct.Struct(">bqiqq5i")
# The first window end at which it counts, its end, n, total (two words), sum of squares (three), low, its ms,
# high, its ms, last, its ms, its order, and the number of (price, count) pairs that follow.
_PANE = struct.Struct(">qq q qQ QQQ qq qq qqq q")
_ENTRY = struct.Struct(">qi")
_WORD = 64


class Row(NamedTuple):
    """The input of the analysis, by `kind`.

    PANES: content holds panes, or is None; once they are added, every window that ends by clock_ms closes.
    LETTER: a record that can't be used, with a reason of the contract. LIMITS: a record of `limits`. These
    two have the record's content, topic, partition, offset and Kafka timestamp (written_ms). STATE: content
    holds what the position has kept; it comes once, before all other rows of the position.

    symbol: None when the record does not say. content: a bytes-like object.
    """

    kind: int
    clock_ms: int
    partition: int
    offset: int
    written_ms: int
    symbol: str | None
    content: memoryview | None
    topic: str | None
    reason: str | None
    detail: str | None


def rows_of(batch: bytes) -> Iterator[Row]:
    """Read the rows of a batch."""
    view, at = memoryview(batch), 0
    while at < len(batch):
        kind, clock, partition, offset, written, symbol_n, content_n, *rest = _ROW.unpack_from(batch, at)
        at += _ROW.size
        symbol = None
        if symbol_n >= 0:
            symbol = batch[at : (at := at + symbol_n)].decode()
        content = None
        if content_n >= 0:
            content = view[at : (at := at + content_n)]
        texts = [None if n < 0 else batch[at : (at := at + n)].decode() for n in rest]
        yield Row(kind, clock, partition, offset, written, symbol, content, *texts)


def panes_of(content: bytes | memoryview | None) -> Iterator[tuple[int, Pane]]:
    """Read the panes of a row of the kind PANES, in the order in which they count.

    Each comes with the first window end at which it counts, which is later than its own end for late ticks.
    """
    at = 0
    while content is not None and at < len(content):
        counts_from, end, n, t1, t0, s2, s1, s0, low, low_ms, high, high_ms, last, last_ms, order, prices = (
            _PANE.unpack_from(content, at)
        )
        at += _PANE.size
        if n == 1:
            # The usual case with many positions.
            at += 16 * prices
            yield counts_from, one_tick(end, last, last_ms, order, with_histogram=prices > 0)
            continue
        histogram = None
        if prices:
            pairs = array("q", bytes(content[at : (at := at + 16 * prices)]))
            pairs.byteswap()
            histogram = Histogram.from_pairs(pairs)
        yield (
            counts_from,
            Pane(
                end,
                n,
                (t1 << _WORD) + t0,
                (((s2 << _WORD) + s1) << _WORD) + s0,
                low,
                high,
                low_ms,
                high_ms,
                last,
                last_ms,
                order,
                histogram,
            ),
        )


def entries_of(content: bytes | memoryview) -> Iterator[tuple[int, bytes]]:
    """Read the keys and values of a row of the kind STATE."""
    at = 0
    while at < len(content):
        key, length = _ENTRY.unpack_from(content, at)
        at += _ENTRY.size
        yield key, bytes(content[at : (at := at + length)])
