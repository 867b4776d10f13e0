"""Reads the rows that Java hands over, and the panes in them (see `java/`)."""

from __future__ import annotations

import json
import struct
import sys
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from gatherer.panes import Pane

# The first window end at which it counts, its end, n, total (two words), sum of squares (three), low, its ms,
# high, its ms, last, its ms, its order, and the number of (price, count) pairs that follow.
_FIXED = struct.Struct(">qq q qQ QQQ qq qq qqq q")
_WORD = 64

_DESCRIPTION = json.loads((Path(__file__).parent / "row.json").read_text(encoding="utf-8"))
FIELD_TYPES: Mapping[str, str] = dict(_DESCRIPTION["fields"])
"""The fields of a row, in order: string, bytes, int or long."""
PANES, LETTER, LIMITS = _DESCRIPTION["kinds"]
PARTITIONS = 4096
"""More than a topic has. offset * PARTITIONS + partition orders the ticks of one millisecond."""


class Row(NamedTuple):
    """The input of the analysis, by `kind`; `row.json` lists the fields for both languages.

    PANES: content holds panes as `PaneBytes.java` writes them, or is None; once they are added, every window
    that ends by clock_ms closes. LETTER: a record that can't be used, with a reason of the contract. LIMITS:
    a record of `limits`. These two kinds have the record's content, topic, partition, offset and Kafka
    timestamp (written_ms). symbol: None when the record does not say.
    """

    symbol: str | None
    kind: str
    content: bytes | None
    clock_ms: int | None
    topic: str | None
    partition: int | None
    offset: int | None
    written_ms: int | None
    reason: str | None
    detail: str | None


class TimedPane(NamedTuple):
    """A pane, and the first window end at which it counts, which is later than its own end for late ticks."""

    counts_from_ms: int
    pane: Pane


def panes_of(content: bytes | None) -> Iterator[TimedPane]:
    """Read the panes of a row of the kind PANES, in the order in which they count."""
    at = 0
    while content is not None and at < len(content):
        counts_from, end, n, t1, t0, s2, s1, s0, low, low_ms, high, high_ms, last, last_ms, order, prices = (
            _FIXED.unpack_from(content, at)
        )
        at += _FIXED.size
        counts = array("q", content[at : at + 16 * prices])
        at += 16 * prices
        if sys.byteorder == "little":
            counts.byteswap()
        yield TimedPane(
            counts_from,
            Pane(
                end_ms=end,
                n=n,
                total=(t1 << _WORD) + t0,
                sum_of_squares=(((s2 << _WORD) + s1) << _WORD) + s0,
                low=low,
                high=high,
                low_ms=low_ms,
                high_ms=high_ms,
                last=last,
                last_ms=last_ms,
                last_order=order,
                histogram=dict(zip(counts[::2], counts[1::2], strict=True)) if counts else None,
            ),
        )
