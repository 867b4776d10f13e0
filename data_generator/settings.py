"""The settings of one run, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass

from data_generator.errors import SettingsError
from data_generator.models import MODELS
from kafka_topic.errors import SymbolError
from kafka_topic.names import Topics, check_symbols


@dataclass(frozen=True)
class Settings:
    """See README.md for what each means; seconds, ticks per second and position, currency units."""

    bootstrap_servers: str
    positions: tuple[str, ...]
    seed: int
    seeded: bool = True
    prefix: str = ""
    model: str = "gbm"
    rate: float = 50.0
    start_price: float = 100.0
    volatility: float = 0.2
    count: int | None = None
    paced: bool = True
    max_queued: int = 100_000
    patience: float = 60.0
    flush_timeout: float = 10.0
    shared: bool = False

    def __post_init__(self) -> None:
        try:
            topics = Topics(self.prefix)
            for symbol in check_symbols(self.positions):
                topics.position(symbol)
        except SymbolError as error:
            raise SettingsError(str(error)) from None
        if not self.positions:
            raise SettingsError("no positions: name at least one symbol")
        if self.model not in MODELS:
            raise SettingsError(f"model {self.model!r} is not one of {', '.join(MODELS)}")
        for name in ("rate", "start_price"):
            if not 0 < getattr(self, name) < math.inf:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be above 0 and finite")
        if not 0 <= self.volatility < math.inf:
            raise SettingsError(f"volatility is {self.volatility}; it must be finite and not negative")
        if self.count is not None and self.count < 1:
            raise SettingsError(f"count is {self.count}; it must be at least 1")
        if self.count is not None and self.shared:
            raise SettingsError("count and shared don't go together: a count is made by one generator alone")
        if self.max_queued < 1:
            raise SettingsError(f"max_queued is {self.max_queued}; it must be at least 1")

    def shares(self) -> dict[str, int]:
        """How `count` is spread: evenly; what doesn't divide goes to the first positions, one tick each."""
        assert self.count is not None  # noqa: S101  only asked for runs with a count
        each, rest = divmod(self.count, len(self.positions))
        return {symbol: each + (number < rest) for number, symbol in enumerate(self.positions)}
