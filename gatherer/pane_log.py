"""The panes of one position in the order of time, in little memory."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping

from gatherer import panes
from gatherer.panes import Pane, merge
from gatherer.returns import Returns, log_return

BLOCK = 16
"""Panes of a block, which the caller keeps as one entry. With more, each change writes more bytes. With
fewer, a position has more entries, and Java needs 90 bytes for each beside its content. Another number needs
another version of the state.
"""
_VERSION = bytes([panes.VERSION])


class PaneLog:
    """Panes as bytes, each with its log return: 57 bytes for a pane with one tick, a thousand as an object.

    ends: the end of each pane, ascending. logs: the log return of each pane's last price against that of the
    pane before; NaN when it is undefined, or when there was no pane before. before: price and time of
    the last tick of the last dropped pane.
    """

    def __init__(self, pane_ms: int) -> None:
        self.ends = array("q")
        self.logs = array("d")
        self.before: tuple[int, int] | None = None
        self._data = bytearray()
        self._starts = array("q")  # counted from the first byte that was ever added
        self._gone = 0  # bytes that were dropped
        self._block_ms = BLOCK * pane_ms
        self._changed: set[int] = set()

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Pane:
        return panes.unpack(self._data, self._starts[index] - self._gone)

    def span(self, since_ms: int, until_ms: int) -> range:
        """The indexes of the panes that end in (since, until]."""
        return range(bisect_right(self.ends, since_ms), bisect_right(self.ends, until_ms))

    def put(self, pane: Pane) -> None:
        """Add a pane, or late ticks of one that is there."""
        end, ends = pane.end_ms, self.ends
        self._changed.add(end // self._block_ms)
        at = len(ends)
        if not at or end > ends[-1]:
            # The usual case.
            self._starts.append(len(self._data) + self._gone)
            self._data += panes.pack(pane)
            ends.append(end)
            self.logs.append(self._log(at))
            return
        at = bisect_left(ends, end)
        start = until = self._start(at)
        if ends[at] == end:
            pane, until = merge(self[at], pane), self._start(at + 1)
        else:
            ends.insert(at, end)
            self._starts.insert(at, start + self._gone)
            self.logs.insert(at, 0.0)
        data = panes.pack(pane)
        self._data[start:until] = data
        for index in range(at + 1, len(ends)):
            self._starts[index] += len(data) - (until - start)
        self._check_before()
        for index in range(at, min(at + 2, len(ends))):
            self.logs[index] = self._log(index)

    def drop(self, count: int) -> None:
        """Forget the first panes."""
        self.before = self._sample(count - 1)
        kept = self.ends[count] // self._block_ms if count < len(self.ends) else None
        gone = {end // self._block_ms for end in self.ends[:count]}
        self._changed |= gone - {kept}
        size = self._start(count)
        self._gone += size
        del self._data[:size], self._starts[:count], self.ends[:count], self.logs[:count]

    def step(self, index: int) -> tuple[float, int] | None:
        """The return of a pane: its logarithm, and the milliseconds between its two ticks."""
        before = self._sample(index - 1) if index else self.before
        return None if before is None else (self.logs[index], self._sample(index)[1] - before[1])

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
                content = _VERSION + self._data[self._start(first) : self._start(last)]
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
            at = 1
            while at < len(content):
                self.ends.append(panes.unpack(content, at).end_ms)
                self._starts.append(len(self._data) + at - 1)
                at += panes.size_of(content, at)
            self._data += content[1:]
        self._check_before()
        self.logs.extend(map(self._log, range(len(self.ends))))

    # -- details

    def _start(self, index: int) -> int:
        return self._starts[index] - self._gone if index < len(self._starts) else len(self._data)

    def _check_before(self) -> None:
        """Forget the tick before the first pane if it is a later one: the first pane had been dropped before,
        and longer windows need it again.
        """
        if self.before is not None and self.ends and self._sample(0)[1] <= self.before[1]:
            self.before = None

    def _sample(self, index: int) -> tuple[int, int]:
        return panes.last_of(self._data, self._starts[index] - self._gone)

    def _log(self, index: int) -> float:
        before = self._sample(index - 1) if index else self.before
        return math.nan if before is None else log_return(before[0], self._sample(index)[0])

    def _first_with_return(self, span: range) -> int:
        return 1 if span.start == 0 and self.before is None else span.start
