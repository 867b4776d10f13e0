"""What the dashboard remembers: the newest windows and prices of each position, and never more than that.

Every point gets the next number of one sequence. Who has seen everything up to a number asks for what came
after it; nothing is kept for him meanwhile. Who asks too late gets what is left.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeVar

from kafka_topic.contracts import MovingAverage, Price

State = Literal["fresh", "stale", "silent"]
T = TypeVar("T")


@dataclass
class Position:
    """One position. Points are (number in the sequence, value), oldest first."""

    symbol: str
    windows: deque[tuple[int, MovingAverage]]
    prices: deque[tuple[int, Price]]
    windows_seen: int = 0
    ticks_seen: int = 0

    @property
    def last_window(self) -> MovingAverage | None:
        """The newest window."""
        return self.windows[-1][1] if self.windows else None

    @property
    def last_price(self) -> Price | None:
        """The newest price that was kept."""
        return self.prices[-1][1] if self.prices else None


@dataclass(frozen=True)
class News:
    """What came after some number, up to `seq`, by symbol; oldest first."""

    seq: int
    windows: dict[str, list[MovingAverage]] = field(default_factory=dict)
    prices: dict[str, list[Price]] = field(default_factory=dict)


class History:
    """The positions and their points. Written by the readers' threads, read by the server's."""

    def __init__(self, positions: Iterable[str], *, windows: int, prices: int, fresh_seconds: float) -> None:
        self.fresh_seconds = fresh_seconds
        self.positions = {
            symbol: Position(symbol, deque(maxlen=windows), deque(maxlen=prices)) for symbol in positions
        }
        self.seq = 0
        self._lock = threading.Lock()

    def add_window(self, record: MovingAverage) -> bool:
        """Keep a window; False when it is of no position of ours, or not newer than what is there."""
        position = self.positions.get(record.symbol)
        if position is None:
            return False
        with self._lock:
            position.windows_seen += 1
            last = position.last_window
            if last is not None and record.window_end <= last.window_end:
                return False
            self.seq += 1
            position.windows.append((self.seq, record))
        return True

    def add_price(self, price: Price) -> bool:
        """Keep a price; False when it is of no position of ours, or older than what is there."""
        position = self.positions.get(price.symbol)
        if position is None:
            return False
        with self._lock:
            last = position.last_price
            if last is not None and price.ts < last.ts:
                return False
            self.seq += 1
            position.prices.append((self.seq, price))
        return True

    def count_ticks(self, symbol: str, number: int) -> None:
        """Count ticks that went by, kept or not."""
        self.positions[symbol].ticks_seen += number

    def since(self, seq: int, *, most: int | None = None) -> News:
        """What came after number `seq`. `most`: at most about so many windows, and so many prices, of each
        position, thinned out evenly, the newest always among them.
        """
        with self._lock:
            news = News(self.seq)
            for symbol, position in self.positions.items():
                if windows := _after(position.windows, seq):
                    news.windows[symbol] = thinned(windows, most)
                if prices := _after(position.prices, seq):
                    news.prices[symbol] = thinned(prices, most)
        return news

    def windows_of(self, symbol: str, since: datetime | None = None) -> list[MovingAverage]:
        """The kept windows of a position that end after `since`, oldest first; KeyError if it isn't ours."""
        with self._lock:
            kept = [record for _, record in self.positions[symbol].windows]
        return kept if since is None else [record for record in kept if record.window_end > since]

    def state(self, symbol: str, now: float | None = None) -> State:
        """Whether data flows: `fresh`, `stale` once its last window is too old, `silent` without any."""
        last = self.positions[symbol].last_window
        if last is None:
            return "silent"
        return "fresh" if age(last.window_end, now) <= self.fresh_seconds else "stale"


def age(moment: datetime, now: float | None = None) -> float:
    """Seconds since a moment."""
    current = datetime.fromtimestamp(time.time() if now is None else now, UTC)
    return (current - moment).total_seconds()


def _after(points: Sequence[tuple[int, T]], seq: int) -> list[T]:
    found = []
    for number, value in reversed(points):
        if number <= seq:
            break
        found.append(value)
    found.reverse()
    return found


def thinned(values: list[T], most: int | None) -> list[T]:
    """At most about `most` of the values, evenly spread, the last one always among them."""
    if most is None or len(values) <= most:
        return values
    step = -(-len(values) // most)
    return values[::-1][::step][::-1]
