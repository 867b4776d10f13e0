"""A silence of an active position: no tick for some time, by the clock of the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatherer.signals.base import Moment, Watcher
from kafka_topic.contracts import Signal


class GapWatcher(Watcher):
    """after_seconds: how long a silence must be.

    It looks at the ends of the window while the window holds a tick. Only the log reaches these ends, so
    every replay reports a silence at the same moment.
    """

    def __init__(self, symbol: str, kind: str, window: str, after_seconds: float) -> None:
        super().__init__(symbol, kind, window)
        self._after_seconds = after_seconds
        self._reported_ms: int | None = None
        """The last tick before the last reported silence: each silence is reported once."""

    def look(self, moment: Moment) -> list[Signal]:
        window, last = moment.windows.get(self.window), moment.last
        if window is None or not window.n or moment.end_ms % window.slide_ms:
            return []
        seconds = (moment.end_ms - last.last_ms) / 1000
        if seconds < self._after_seconds or last.last_ms == self._reported_ms:
            return []
        self._reported_ms = last.last_ms
        reason = f"There was no tick for {seconds:g} s, which is at least {self._after_seconds:g} s."
        return [self._signal("silent", moment.end_ms, last, seconds, self._after_seconds, reason)]

    def dump(self) -> dict[str, Any]:
        return {"told_ms": self._reported_ms}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        self._reported_ms = dumped["told_ms"]


WATCHER = GapWatcher
