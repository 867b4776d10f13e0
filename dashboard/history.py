"""What the dashboard remembers: the newest records of each position, and never more than that.

Every record gets the next number of one sequence. Who has seen everything up to a number asks for what came
after it; nothing is kept for him meanwhile. Who asks too late gets what is left.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from kafka_topic.contracts import DeadLetter, Limits, MovingAverage, Price, Signal
from kafka_topic.freshness import FlowState, flow_state
from kafka_topic.trouble import Trouble

LETTERS_KEPT = 200
T = TypeVar("T")


@dataclass
class Position:
    """One position. Records are (number in the sequence, record), oldest first.

    windows: by label, the shortest first. limits: None when none are set. problem: of its topics, None
    without one. regime: the newest signal of that kind.
    """

    symbol: str
    windows: dict[str, deque[tuple[int, MovingAverage]]]
    prices: deque[tuple[int, Price]]
    signals: deque[tuple[int, Signal]]
    limits: tuple[int, Limits | None] = (0, None)
    problem: tuple[int, Trouble | None] = (0, None)
    regime: Signal | None = None
    windows_seen: int = 0
    ticks_seen: int = 0

    @property
    def last_window(self) -> MovingAverage | None:
        """The newest of the shortest windows, used to judge whether data flows."""
        shortest = next(iter(self.windows.values()))
        return shortest[-1][1] if shortest else None

    @property
    def last_price(self) -> Price | None:
        """The newest kept price."""
        return self.prices[-1][1] if self.prices else None

    @property
    def last_signal(self) -> Signal | None:
        """The newest signal."""
        return self.signals[-1][1] if self.signals else None


@dataclass(frozen=True)
class News:
    """What came after some sequence number, up to `seq`, by symbol (and window label); oldest first."""

    seq: int
    windows: dict[str, dict[str, list[MovingAverage]]] = field(default_factory=dict)
    prices: dict[str, list[Price]] = field(default_factory=dict)
    signals: dict[str, list[Signal]] = field(default_factory=dict)
    limits: dict[str, Limits | None] = field(default_factory=dict)
    problems: dict[str, Trouble | None] = field(default_factory=dict)
    letters: list[DeadLetter] = field(default_factory=list)


class History:
    """The positions and their records. The readers' threads write it, the server's thread reads it.

    labels: of the kept windows, the shortest first. windows, prices, signals: how many are kept of each
    position (and each length).
    """

    def __init__(
        self,
        positions: Iterable[str],
        labels: Sequence[str],
        *,
        windows: int,
        prices: int,
        signals: int,
        fresh_seconds: float,
    ) -> None:
        self.fresh_seconds = fresh_seconds
        self.labels = tuple(labels)
        self.positions = {
            symbol: Position(
                symbol,
                {label: deque(maxlen=windows) for label in labels},
                deque(maxlen=prices),
                deque(maxlen=signals),
            )
            for symbol in positions
        }
        self.letters: deque[tuple[int, DeadLetter]] = deque(maxlen=LETTERS_KEPT)
        self.letter_counts: Counter[str] = Counter()
        self.letters_counted = False
        """Whether all dead letters that existed at the start have been counted."""
        self._letter_offsets: dict[tuple[str, int], int] = {}
        self.seq = 0
        self._lock = threading.Lock()

    def add_window(self, record: MovingAverage) -> bool:
        """Keep a window; False when its position or length is not ours, or it is not newer than the last."""
        position = self.positions.get(record.symbol)
        kept = position.windows.get(record.window) if position else None
        if position is None or kept is None:
            return False
        with self._lock:
            position.windows_seen += 1
            if kept and record.window_end <= kept[-1][1].window_end:
                return False
            self.seq += 1
            kept.append((self.seq, record))
        return True

    def add_price(self, price: Price) -> bool:
        """Keep a price; False when its position is not ours, or it is older than the last."""
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

    def add_signal(self, signal: Signal) -> bool:
        """Keep a signal; False when its position is not ours, or it is kept already, because a reader that
        starts over reads signals twice.
        """
        position = self.positions.get(signal.symbol)
        if position is None:
            return False
        with self._lock:
            if any(signal == kept for _, kept in position.signals):
                return False
            self.seq += 1
            position.signals.append((self.seq, signal))
            if signal.kind == "regime":
                position.regime = signal
        return True

    def set_limits(self, symbol: str, limits: Limits | None) -> bool:
        """Note a position's limits; False when the position is not ours, or nothing changes."""
        position = self.positions.get(symbol)
        if position is None or position.limits[1] == limits:
            return False
        with self._lock:
            self.seq += 1
            position.limits = (self.seq, limits)
        return True

    def set_problem(self, symbol: str, problem: Trouble | None) -> None:
        """Note the present problem of a position's topics."""
        position = self.positions[symbol]
        if position.problem[1] != problem:
            with self._lock:
                self.seq += 1
                position.problem = (self.seq, problem)

    def begin_letters(self) -> None:
        """Restart counting: the dead letters are read from the topic's beginning again."""
        with self._lock:
            self.letter_counts.clear()
            self.letters_counted = False

    def add_letter(self, letter: DeadLetter) -> None:
        """Count a dead letter, and keep it unless it was kept before."""
        partition = letter.topic, letter.partition
        with self._lock:
            self.letter_counts[letter.reason] += 1
            if letter.offset > self._letter_offsets.get(partition, -1):
                self._letter_offsets[partition] = letter.offset
                self.seq += 1
                self.letters.append((self.seq, letter))

    def count_ticks(self, symbol: str, number: int) -> None:
        """Count ticks that were read, kept or not."""
        self.positions[symbol].ticks_seen += number

    def since(self, seq: int, *, most: int | None = None, most_signals: int | None = None) -> News:
        """What came after number `seq`. most: return about this many windows of each length and prices of
        each position, thinned out evenly, with the newest. most_signals: return only the newest signals.
        """
        with self._lock:
            news = News(self.seq, letters=_after(self.letters, seq))
            for symbol, position in self.positions.items():
                windows = {
                    label: thinned(records, most)
                    for label, kept in position.windows.items()
                    if (records := _after(kept, seq))
                }
                if windows:
                    news.windows[symbol] = windows
                if prices := _after(position.prices, seq):
                    news.prices[symbol] = thinned(prices, most)
                if signals := _after(position.signals, seq):
                    news.signals[symbol] = signals if most_signals is None else signals[-most_signals:]
                if position.limits[0] > seq:
                    news.limits[symbol] = position.limits[1]
                if position.problem[0] > seq:
                    news.problems[symbol] = position.problem[1]
        return news

    def windows_of(self, symbol: str, label: str, since: datetime | None = None) -> list[MovingAverage]:
        """The kept windows of a position and a length that end after `since`, oldest first; KeyError when the
        position is not ours.
        """
        with self._lock:
            kept = [record for _, record in self.positions[symbol].windows[label]]
        return kept if since is None else [record for record in kept if record.window_end > since]

    def signals_of(self, symbols: Iterable[str], since: datetime | None = None) -> list[Signal]:
        """The kept signals of some positions after `since`, in the order in which they came."""
        with self._lock:
            kept = sorted(
                (pair for symbol in symbols for pair in self.positions[symbol].signals),
                key=lambda pair: pair[0],
            )
        return [signal for _, signal in kept if since is None or signal.time > since]

    def state(self, symbol: str, now: float | None = None) -> FlowState:
        """Whether data flows on a position, see `flow_state`."""
        position = self.positions[symbol]
        last = position.last_window
        return flow_state(
            last.window_end if last else None,
            position.problem[1],
            now=_time(now),
            max_age=timedelta(seconds=self.fresh_seconds),
        )


def age(moment: datetime, now: float | None = None) -> float:
    """Seconds since a moment."""
    return (_time(now) - moment).total_seconds()


def _time(now: float | None) -> datetime:
    return datetime.fromtimestamp(time.time() if now is None else now, UTC)


def _after(records: Sequence[tuple[int, T]], seq: int) -> list[T]:
    found = []
    for number, value in reversed(records):
        if number <= seq:
            break
        found.append(value)
    found.reverse()
    return found


def thinned(values: list[T], most: int | None) -> list[T]:
    """About `most` of the values, evenly spread, with the last one."""
    if most is None or len(values) <= most:
        return values
    step = -(-len(values) // most)
    return values[::-1][::step][::-1]
