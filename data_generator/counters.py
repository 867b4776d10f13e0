"""Counts of ticks, per position and in total."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass
class PositionCount:
    """Ticks of one position.

    produced: handed to the Kafka client. delivered: acknowledged by Kafka. failed: refused for good. skipped:
    scheduled but never made, because Kafka was too slow or away.
    """

    produced: int = 0
    delivered: int = 0
    failed: int = 0
    skipped: int = 0
    last_error: str = ""

    @property
    def queued(self) -> int:
        """Handed to the client, neither delivered nor failed yet."""
        return self.produced - self.delivered - self.failed

    def on_delivery(self, error: object, message: object) -> None:
        """Count one delivery report of the Kafka client."""
        if error is None:
            self.delivered += 1
        else:
            self.failed += 1
            self.last_error = str(error)

    def as_dict(self) -> dict[str, int]:
        names = ("produced", "delivered", "failed", "queued", "skipped")
        return {name: getattr(self, name) for name in names}


class Counters:
    """The counts of all positions."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self.positions = {symbol: PositionCount() for symbol in symbols}
        self.owned: list[str] | None = None
        """The positions of this generator, when it shares them with others."""

    def total(self, name: str) -> int:
        """The sum of one count over the positions."""
        return sum(getattr(count, name) for count in self.positions.values())

    def as_dict(self) -> dict[str, Any]:
        """All counts, as the page /counters shows them."""
        positions = {symbol: count.as_dict() for symbol, count in self.positions.items()}
        shared = {} if self.owned is None else {"owned": self.owned}
        return {
            **shared,
            **{name: self.total(name) for name in PositionCount().as_dict()},
            "positions": positions,
        }

    def __str__(self) -> str:
        return ", ".join(f"{self.total(name)} {name}" for name in PositionCount().as_dict())
