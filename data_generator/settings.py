"""The settings of one run, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from data_generator.errors import SettingsError
from data_generator.models import MODELS
from kafka_topic.errors import SymbolError
from kafka_topic.names import Topics, check_symbols

LEAST_PRICE, PRICE_BEYOND = 0.01, 1e9


@dataclass(frozen=True)
class Settings:
    """See README.md for what each means; seconds, ticks per second and position, currency units."""

    bootstrap_servers: str
    positions: tuple[str, ...]
    seed: int
    seeded: bool = True
    prefix: str = ""
    model: str = "regimes"
    rate: float = 50.0
    start_price: float = 100.0
    start_prices: Mapping[str, float] = field(default_factory=dict)
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
        if not 0 < self.rate < math.inf:
            raise SettingsError(f"rate is {self.rate}; it must be above 0 and finite")
        _check_price("start_price", self.start_price)
        for symbol, price in self.start_prices.items():
            _check_price(f"start price of {symbol}", price)
        if not 0 <= self.volatility < math.inf:
            raise SettingsError(f"volatility is {self.volatility}; it must be finite and not negative")
        if self.count is not None and self.count < 1:
            raise SettingsError(f"count is {self.count}; it must be at least 1")
        if self.count is not None and self.shared:
            raise SettingsError("count and shared don't go together: a count is made by one generator alone")
        if self.max_queued < 1:
            raise SettingsError(f"max_queued is {self.max_queued}; it must be at least 1")

    def start_price_of(self, symbol: str) -> float:
        """The price of a position's first tick."""
        return self.start_prices.get(symbol, self.start_price)

    def shares(self) -> dict[str, int]:
        """How `count` is spread: evenly; what doesn't divide goes to the first positions, one tick each."""
        assert self.count is not None  # noqa: S101  only asked for runs with a count
        each, rest = divmod(self.count, len(self.positions))
        return {symbol: each + (number < rest) for number, symbol in enumerate(self.positions)}


def parse_start_prices(text: str) -> dict[str, float]:
    """`AAPL=230,MSFT=420`: currency units by symbol. Raises SettingsError."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        symbol, _, price = part.partition("=")
        try:
            found[symbol] = float(price)
        except ValueError:
            raise SettingsError(
                f"{part!r} is not a start price; write SYMBOL=PRICE, as in AAPL=230"
            ) from None
    return found


def _check_price(name: str, price: float) -> None:
    """Prices are published in whole cents, and the gatherer takes those below PRICE_BEYOND."""
    if not LEAST_PRICE <= price < PRICE_BEYOND:
        raise SettingsError(
            f"{name} is {price:.10g}; it must be at least {LEAST_PRICE} and below {PRICE_BEYOND:g}"
        )
    if not math.isclose(price, round(price, 2), rel_tol=1e-12):
        raise SettingsError(f"{name} is {price:.10g}; prices have two decimals")
