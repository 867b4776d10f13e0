"""The panes of one position in the order of time, in little memory."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from gatherer import panes
from gatherer.panes import Pane, merge
from gatherer.returns import Returns, log_return

BLOCK = 16
"""Panes of a block, which the caller keeps as one entry. With more, each change writes more bytes. With
fewer, a position has more entries, and Java needs 90 bytes for each beside its content. Another number needs
another version of the state.
"""
_VERSION = bytes([panes.VERSION])
_RECENT = 12
"""Panes with several ticks that are kept as objects, too: each window adds a pane soon, at its own time."""


class PaneLog:
    """Panes as columns, each with its log return: 49 bytes for a pane with one tick, a thousand as an object.

    ends: the end of each pane, ascending. logs: the log return of each pane's last price against that of the
    pane before; NaN when it is undefined, or when there was no pane before. before: price and time of
    the last tick of the last dropped pane.
    """

    def __init__(self, pane_ms: int) -> None:
        self.ends = array("q")
        self.logs = array("d")
        self.before: tuple[int, int] | None = None
        # Of the last tick of each pane: its price, its time and its order.
        self._prices, self._times, self._orders = array("q"), array("q"), array("q")
        self._details: list[bytes] = []
        self._columns: tuple[Any, ...] = (self.ends, self._prices, self._times, self._orders, self._details)
        self._recent: dict[int, Pane] = {}  # by end
        self._block_ms = BLOCK * pane_ms
        self._changed: set[int] = set()

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Pane:
        ends, prices, times, orders, details = self._columns
        if recent := self._recent.get(ends[index]):
            return recent
        return panes.from_details(ends[index], prices[index], times[index], orders[index], details[index])

    def span(self, since_ms: int, until_ms: int) -> range:
        """The indexes of the panes that end in (since, until]."""
        return range(bisect_right(self.ends, since_ms), bisect_right(self.ends, until_ms))

    def ticks(self, span: range) -> array[int] | None:
        """The prices of panes that have one tick each; None if one has several."""
        # Those of one tick are a byte.
        several = max(map(len, self._details[span.start : span.stop]), default=1) > 1
        return None if several else self._prices[span.start : span.stop]

    def last_price(self, index: int) -> int:
        """The price of a pane's last tick."""
        return self._prices[index]

    def put(self, pane: Pane) -> None:
        """Add a pane, or late ticks of one that is there."""
        end, ends = pane.end_ms, self.ends
        self._changed.add(end // self._block_ms)
        at = len(ends)
        if not at or end > ends[-1]:
            # The usual case.
            ends.append(end)
            self._prices.append(pane.last)
            self._times.append(pane.last_ms)
            self._orders.append(pane.last_order)
            self._details.append(panes.details(pane))
            self.logs.append(self._log(at))
            if pane.n > 1:
                self._recent[end] = pane
                if len(self._recent) > _RECENT:
                    del self._recent[next(iter(self._recent))]
            return
        self._recent.pop(end, None)
        at = bisect_left(ends, end)
        if ends[at] == end:
            for column, value in zip(self._columns, _row(merge(self[at], pane)), strict=True):
                column[at] = value
        else:
            for column, value in zip(self._columns, _row(pane), strict=True):
                column.insert(at, value)
            self.logs.insert(at, 0.0)
        self._check_before()
        for index in range(at, min(at + 2, len(ends))):
            self.logs[index] = self._log(index)

    def drop(self, count: int) -> None:
        """Forget the first panes."""
        self.before = self._sample(count - 1)
        kept = self.ends[count] // self._block_ms if count < len(self.ends) else None
        gone = {end // self._block_ms for end in self.ends[:count]}
        self._changed |= gone - {kept}
        for end in self.ends[:count]:
            self._recent.pop(end, None)
        for column in (*self._columns, self.logs):
            del column[:count]

    def step(self, index: int) -> tuple[float, int] | None:
        """The return of a pane: its logarithm, and the milliseconds between its two ticks."""
        if index:
            before = self._times[index - 1]
        elif self.before is None:
            return None
        else:
            before = self.before[1]
        return self.logs[index], self._times[index] - before

    def logs_of(self, span: range) -> array[float]:
        """The log returns of panes. The first pane ever has none."""
        return self.logs[self._first_with_return(span) : span.stop]

    def returns(self, span: range) -> Returns:
        """The returns of panes."""
        first = self._first_with_return(span)
        before = self._sample(first - 1) if first else self.before
        if before is None or first >= span.stop:
            return Returns((), 0.0)
        return Returns(self.logs[first : span.stop], (self._sample(span.stop - 1)[1] - before[1]) / 1000)

    # -- state

    def changes(self) -> Iterator[tuple[int, bytes | None]]:
        """The blocks that have changed since the last call, for the caller to keep: their keys and contents,
        None for one that is no longer needed. Keys are not negative.
        """
        for key in sorted(self._changed):
            first = bisect_left(self.ends, key * self._block_ms)
            last = bisect_left(self.ends, (key + 1) * self._block_ms)
            content = None
            if first < last:
                content = _VERSION + panes.pack(*(column[first:last] for column in self._columns))
            yield key, content
        self._changed.clear()

    def restore(self, blocks: Mapping[int, bytes], before: tuple[int, int] | None) -> None:
        """Continue from kept blocks; they may begin with panes that were dropped. Raises ValueError for
        blocks of another version.
        """
        self.before = before
        for key in sorted(blocks):
            content = blocks[key]
            if content[:1] != _VERSION:
                raise ValueError(f"the panes have version {content[0]}, not {panes.VERSION}")
            for row in panes.unpack(content, len(_VERSION)):
                for column, value in zip(self._columns, row, strict=True):
                    column.append(value)
        self._check_before()
        self.logs.extend(map(self._log, range(len(self.ends))))

    # -- details

    def _check_before(self) -> None:
        """Forget the tick before the first pane if it is a later one: the first pane had been dropped before,
        and longer windows need it again.
        """
        if self.before is not None and self.ends and self._sample(0)[1] <= self.before[1]:
            self.before = None

    def _sample(self, index: int) -> tuple[int, int]:
        return self._prices[index], self._times[index]

    def _log(self, index: int) -> float:
        if index:
            return log_return(self._prices[index - 1], self._prices[index])
        return math.nan if self.before is None else log_return(self.before[0], self._prices[0])

    def _first_with_return(self, span: range) -> int:
        return 1 if span.start == 0 and self.before is None else span.start


def _row(pane: Pane) -> tuple[int, int, int, int, bytes]:
    return pane.end_ms, pane.last, pane.last_ms, pane.last_order, panes.details(pane)
