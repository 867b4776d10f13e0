"""All computations of one position, pane by pane. Nothing here knows Flink."""

from __future__ import annotations

import json
import marshal
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple, Self

from gatherer import moments
from gatherer.pane_log import PaneLog
from gatherer.panes import UNIT, Pane
from gatherer.returns import Ewma, Returns
from gatherer.signals import WATCHERS
from gatherer.signals.base import Moment
from gatherer.signals.watch import Watch
from gatherer.statistics import needs_prices, values_of
from gatherer.statistics.base import View
from gatherer.window import LONG_AGO, Window, WindowLength
from kafka_topic.contracts import Limits, MovingAverage, Signal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STATE_VERSION = 2
"""Raise it whenever the meaning of `small_state` changes."""


class AnalysisSettings(NamedTuple):
    """windows: at least one; all lengths and slides are multiples of the shortest slide, which is the length
    of a pane. statistics: names from the catalogue. signals: the settings of the kinds that are on, by kind.
    """

    windows: tuple[WindowLength, ...]
    statistics: frozenset[str]
    ewma_half_life_seconds: float = 60.0
    signals: Mapping[str, Mapping[str, Any]] = {}

    def to_json(self) -> str:
        """For the process that does the analysis."""
        return json.dumps(self._replace(statistics=sorted(self.statistics))._asdict())  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, data: str | bytes) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(data)
        windows = tuple(WindowLength(*window) for window in fields.pop("windows"))
        return cls(windows, frozenset(fields.pop("statistics")), **fields)

    @property
    def pane_ms(self) -> int:
        """The length of a pane."""
        return min(window.slide_ms for window in self.windows)

    @property
    def with_histograms(self) -> bool:
        """Whether panes count each price."""
        return needs_prices(self.statistics) or any(WATCHERS[kind].NEEDS_PRICES for kind in self.signals)


class PositionAnalysis:
    """The windows and signals of one position.

    Add panes in any order, and call `advance` at each `next_due()`. A window [T - length, T) is due at every
    multiple T of its slide (since the epoch) if it holds a tick. A pane counts in every window that is not
    closed when it is added.

    The state is the blocks of panes that `changes()` returns, and `small_state()`. An object that is restored
    from both, taken at the same moment, continues identically. Memory grows with the number of panes and the
    distinct prices in the windows, not with the number of ticks.
    """

    def __init__(self, symbol: str, settings: AnalysisSettings) -> None:
        self.symbol = symbol
        self._settings = settings
        self.closed = LONG_AGO
        self._ewma = Ewma(settings.ewma_half_life_seconds)
        self._watch = Watch(symbol, settings.signals)
        # Some kinds look at their window at the end of each pane.
        watched = self._watch.each_pane
        with_prices = self._watch.with_prices
        every_price = needs_prices(settings.statistics)
        self._values = values_of(settings.statistics)
        self._pane_ms = settings.pane_ms
        self._panes = PaneLog(self._pane_ms)
        # Of the windows with the shortest slide, the longest holds a pane most often.
        self._most_often = max(
            length.length_ms for length in settings.windows if length.slide_ms == self._pane_ms
        )
        self._windows = [
            Window(
                length,
                self._pane_ms if length.label in watched else length.slide_ms,
                every_price or length.label in with_prices,
            )
            for length in settings.windows
        ]

    # -- input

    def add(self, pane: Pane) -> bool:
        """Add a pane, or late ticks of a pane that was added. Returns False when every window has closed.

        Late ticks that change a pane's last price correct the windows' returns. They do not change the
        exponentially weighted volatility, and anomalies and limits do not look at the pane again.
        """
        end = pane.end_ms
        is_late = end <= self.closed
        if is_late and end <= self._useless():
            return False
        if is_late:
            self._add_late(pane)
        else:
            self._panes.put(pane)
        return True

    def set_limits(self, limits: Limits | None) -> None:
        """Apply these limits from the next pane on. Equal limits change nothing."""
        ends = self._panes.ends
        self._watch.set_limits(limits, ends[-1] if ends else self.closed)

    # -- output

    def next_due(self) -> int | None:
        """The end of the earliest open window that holds a tick, epoch milliseconds."""
        ends, closed = self._panes.ends, self.closed
        # The usual case: the latest pane is in the next window that can end.
        earliest = (closed // self._pane_ms + 1) * self._pane_ms
        if ends and earliest - self._most_often < ends[-1] <= earliest:
            return earliest
        due = None
        for window in self._windows:
            slide = window.slide_ms
            earliest = (closed // slide + 1) * slide
            first = bisect_right(ends, earliest - window.length_ms)
            if first < len(ends):
                end = max(earliest, -(-ends[first] // slide) * slide)
                if due is None or end < due:
                    due = end
        return due

    def advance(self, end_ms: int) -> tuple[list[MovingAverage], list[Signal]]:
        """Close the windows that end at `end_ms`, which is `next_due()`; returns them and their signals.

        Raises ValueError when no window can be due then.
        """
        panes, ends = self._panes, self._panes.ends
        if end_ms <= self.closed or not ends or end_ms < ends[0]:
            raise ValueError(f"nothing of {self.symbol} is due at {end_ms}")
        ended = panes.span(self.closed, end_ms)
        for index in ended:
            if (step := panes.step(index)) is not None:
                self._ewma.add(*step)
        self.closed = end_ms
        last = ended.stop - 1
        price = panes.last_price(last)
        rolled = [window for window in self._windows if not end_ms % window.step_ms]
        averages = {}
        for window in rolled:
            self._roll(window, end_ms, ended.stop)
            if window.n and not end_ms % window.slide_ms:
                averages[window.label] = self._average(window, end_ms, price)
        signals = []
        if self._watch.is_on:
            windows = {window.label: window for window in rolled}
            coefficients = {label: each.cv for label, each in averages.items() if each.cv is not None}
            moment = Moment(end_ms, panes[last], windows, coefficients, self._returns_in)
            signals = self._watch.look(moment)
        self._expire(rolled)
        return list(averages.values()), signals

    def close(self, until_ms: int) -> Iterator[tuple[list[MovingAverage], list[Signal]]]:
        """Advance to `until_ms` and close all windows that end by then."""
        if until_ms <= self.closed:
            return
        # All windows end at multiples of a pane.
        last = until_ms // self._pane_ms * self._pane_ms
        while self.closed < last and (due := self.next_due()) is not None and due <= last:
            yield self.advance(due)
        self.closed = until_ms

    # -- state

    def changes(self) -> Iterator[tuple[int, bytes | None]]:
        """The blocks of panes that have changed since the last call; see `PaneLog.changes`."""
        return self._panes.changes()

    def small_state(self) -> bytes:
        """The state beside the panes, a few hundred bytes."""
        before = self._panes.before
        return marshal.dumps(
            (
                STATE_VERSION,
                self.closed,
                before,
                (self._ewma.weighted, self._ewma.weights),
                self._watch.dump(),
            ),
            4,
        )

    def restore(self, blocks: Mapping[int, bytes], small_state: bytes) -> None:
        """Continue from saved state. Call it on a new object. Raises ValueError for another version."""
        version, *state = marshal.loads(small_state)  # noqa: S302 - our own state
        if version != STATE_VERSION:
            raise ValueError(f"the state has version {version}, not {STATE_VERSION}")
        self.closed, before, ewma, watch = state
        self._ewma = Ewma(self._settings.ewma_half_life_seconds, *ewma)
        self._watch.restore(watch)
        self._panes.restore(blocks, before)
        if self.closed == LONG_AGO:
            return
        for window in self._windows:
            end = self.closed // window.step_ms * window.step_ms
            self._roll(window, end, bisect_right(self._panes.ends, end))
        self._expire(self._windows)

    # -- details

    def _useless(self) -> int:
        """Panes that end at or before this time are in no open window."""
        return min(
            (self.closed // window.slide_ms + 1) * window.slide_ms - window.length_ms
            for window in self._windows
        )

    def _roll(self, window: Window, end_ms: int, stop: int) -> None:
        """Move a window's end to `end_ms`; the panes that end by then come before this index."""
        start = end_ms - window.length_ms
        if start > window.since:
            self._evict(window, start)
        panes = self._panes
        added = range(max(window.stop, window.first), stop)
        if (ticks := panes.ticks(added)) is not None:
            window.add_ticks(panes.ends[added.start : stop], ticks)
        else:
            for index in added:
                window.add(panes[index])
        window.add_returns(panes.logs_of(added))
        window.until, window.stop = end_ms, stop

    def _evict(self, window: Window, start_ms: int) -> None:
        """Move a window's start to `start_ms`, which is later."""
        panes = self._panes
        first = bisect_right(panes.ends, start_ms, window.first)
        removed = range(window.first, min(first, window.stop))
        if (ticks := panes.ticks(removed)) is not None:
            window.remove_ticks(ticks)
        else:
            for index in removed:
                window.remove(panes[index])
        window.remove_returns(panes.logs_of(removed))
        window.evict(start_ms, first)

    def _expire(self, rolled: Iterable[Window]) -> None:
        """Evict panes that the next window does not hold, and forget panes that no window holds."""
        for window in rolled:
            start = window.until + window.step_ms - window.length_ms
            if start > window.since:
                self._evict(window, start)
        gone = min([window.first for window in self._windows])
        if gone:
            self._panes.drop(gone)
            for window in self._windows:
                window.first -= gone
                window.stop -= gone

    def _add_late(self, pane: Pane) -> None:
        """Add late ticks. They change the return of their pane and that of the next one."""
        panes, end = self._panes, pane.end_ms
        at = bisect_left(panes.ends, end)
        is_known = at < len(panes) and panes.ends[at] == end
        for window, logs in self._held(at, at + 1 + is_known):
            window.remove_returns(logs)
        panes.put(pane)
        for window in self._windows:
            window.first = bisect_right(panes.ends, window.since)
            window.stop = bisect_right(panes.ends, window.until)
        for window, logs in self._held(at, at + 2):
            window.add_returns(logs)
        for window in self._windows:
            if window.holds(end):
                window.add(pane)

    def _held(self, first: int, until: int) -> Iterator[tuple[Window, Sequence[float]]]:
        """The windows that hold panes of these indexes, each with the log return of a pane."""
        for index in range(first, min(until, len(self._panes))):
            logs = self._panes.logs_of(range(index, index + 1))
            for window in self._windows:
                if window.holds(self._panes.ends[index]):
                    yield window, logs

    def _returns_in(self, window: Window) -> Returns:
        return self._panes.returns(range(window.first, window.stop))

    def _average(self, window: Window, end_ms: int, last: int) -> MovingAverage:
        mean = moments.mean(window.n, window.total)
        stddev = moments.stddev(window.n, window.total, window.sum_of_squares)
        return MovingAverage(
            symbol=self.symbol,
            window_start=_time(end_ms - window.length_ms),
            window_end=_time(end_ms),
            count=window.n,
            last=last / UNIT,
            min=window.low / UNIT,
            max=window.high / UNIT,
            mean=mean,
            stddev=stddev,
            cv=moments.cv(mean, stddev),
            values=self._values(View(window, mean, stddev, self._ewma)),
        )


@lru_cache(maxsize=4096)
def _time(ms: int) -> datetime:
    """All positions have windows with the same ends, and a window starts at the end of an earlier one."""
    return _EPOCH + timedelta(milliseconds=ms)
