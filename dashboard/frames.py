"""Frames: what viewers are sent, as JSON bytes, made once for all that have seen the same."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.history import History
from kafka_topic.contracts import MovingAverage

MOST_POINTS = 12_000
"""Windows, and prices, in one frame: about 1.5 MB. More positions get fewer points each."""
LEAST_POINTS = 30


@dataclass(frozen=True)
class Frame:
    """All news up to `seq`."""

    seq: int
    data: bytes


class Frames:
    """Makes frames, and remembers those of the present for the next viewer who needs the same."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._most = max(LEAST_POINTS, MOST_POINTS // len(history.positions))
        self._made: dict[int, Frame] = {}
        self._now = 0.0

    def refresh(self) -> None:
        """Forget the frames of the moment before."""
        self._made.clear()
        self._now = time.time()

    def after(self, seq: int) -> Frame:
        """The frame for a viewer who has seen all up to `seq`; 0 for one who has seen nothing."""
        frame = self._made.get(seq)
        if frame is None:
            frame = self._made[seq] = self._make(seq)
        return frame

    def _make(self, seq: int) -> Frame:
        news = self._history.since(seq, most=self._most)
        content: dict[str, Any] = {
            "now": round((self._now or time.time()) * 1000),
            # One letter a position, in their order: f(resh), s(tale), n(ever had a window).
            "states": "".join(_LETTERS[self._history.state(symbol)] for symbol in self._history.positions),
            "windows": {symbol: [*map(window, records)] for symbol, records in news.windows.items()},
            "prices": {
                symbol: [[epoch_ms(price.ts), price.price] for price in prices]
                for symbol, prices in news.prices.items()
            },
        }
        return Frame(news.seq, json.dumps(content, separators=(",", ":")).encode())


_LETTERS = {"fresh": "f", "stale": "s", "silent": "n"}
WINDOW_FIELDS = ("end", "mean", "stddev", "cv", "last", "min", "max", "count")


def window(record: MovingAverage) -> Sequence[float | None]:
    """A window as frames hold it: the values of WINDOW_FIELDS."""
    return (
        epoch_ms(record.window_end),
        record.mean,
        record.stddev,
        record.cv,
        record.last,
        record.min,
        record.max,
        record.count,
    )


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
