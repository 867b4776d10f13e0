"""Frames: the JSON bytes for viewers, made once for all viewers that have seen the same."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.history import History
from kafka_topic.contracts import Limits, MovingAverage, Signal

MOST_POINTS = 12_000
"""Windows, and prices, in one frame: about 2 MB. More positions get fewer points each."""
LEAST_POINTS = 30
MOST_SIGNALS = 2000
LEAST_SIGNALS = 3


@dataclass(frozen=True)
class Frame:
    """All news up to `seq`, as JSON."""

    seq: int
    data: bytes


class Frames:
    """Makes frames, and keeps those of the present beat for other viewers.

    statistics: the fields of statistics in each window.
    """

    def __init__(self, history: History, statistics: Sequence[str]) -> None:
        self._history = history
        self._names = (*WINDOW_FIELDS[1:], *statistics)
        lines = len(history.positions) * len(history.labels)
        self._most = max(LEAST_POINTS, MOST_POINTS // lines)
        self._most_signals = max(LEAST_SIGNALS, MOST_SIGNALS // len(history.positions))
        self._made: dict[int, Frame] = {}
        self._now = 0.0

    def refresh(self) -> None:
        """Forget the frames of the last beat."""
        self._made.clear()
        self._now = time.time()

    def after(self, seq: int) -> Frame:
        """The frame for a viewer that has seen everything up to `seq`, 0 for nothing."""
        frame = self._made.get(seq)
        if frame is None:
            frame = self._made[seq] = self._make(seq)
        return frame

    def _make(self, seq: int) -> Frame:
        news = self._history.since(seq, most=self._most, most_signals=self._most_signals)
        content: dict[str, Any] = {
            "now": round((self._now or time.time()) * 1000),
            # One letter per position, in their order: f(resh), s(tale), n(ever had a window), u(nreadable).
            "states": "".join(_LETTERS[self._history.state(symbol)] for symbol in self._history.positions),
            "windows": {
                symbol: {
                    label: [window(record, self._names) for record in records]
                    for label, records in lengths.items()
                }
                for symbol, lengths in news.windows.items()
            },
            "prices": {
                symbol: [[epoch_ms(price.ts), price.price] for price in prices]
                for symbol, prices in news.prices.items()
            },
            "signals": {symbol: [*map(signal, found)] for symbol, found in news.signals.items()},
            "limits": {symbol: limits and limits_of(limits) for symbol, limits in news.limits.items()},
            "problems": {symbol: problem and problem.fields() for symbol, problem in news.problems.items()},
        }
        return Frame(news.seq, json.dumps(content, separators=(",", ":")).encode())


_LETTERS = {"fresh": "f", "stale": "s", "silent": "n", "unreadable": "u"}
WINDOW_FIELDS = ("window_end", "mean", "stddev", "cv", "last", "min", "max", "count")
"""The fields of a window in frames; those of the statistics that are shown follow."""
_SIGNAL = (
    *("kind", "event", "side", "price", "value", "threshold"),
    *("probability", "lead_seconds", "window", "reason"),
)
SIGNAL_FIELDS = ("time", *_SIGNAL)


def window(record: MovingAverage, names: Sequence[str]) -> Sequence[float | None]:
    """A window as frames hold it: its end, and the values of the named fields."""
    return (epoch_ms(record.window_end), *(getattr(record, name) for name in names))


def signal(record: Signal) -> Sequence[float | str | None]:
    """A signal as frames hold it: the values of SIGNAL_FIELDS."""
    return (epoch_ms(record.time), *(getattr(record, name) for name in _SIGNAL))


def limits_of(limits: Limits) -> dict[str, Any]:
    """Limits as their record holds them."""
    content: dict[str, Any] = json.loads(limits.to_json())
    return content


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
