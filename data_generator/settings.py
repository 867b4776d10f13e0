"""The settings of one run, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from data_generator.models import MODELS
from kafka_topic.errors import SymbolError
from kafka_topic.names import Topics
from task_runtime.errors import SettingsError

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
            Topics(self.prefix).check_positions(self.positions)
        except SymbolError as error:
            raise SettingsError(f"--topic-prefix (TOPIC_PREFIX), --positions (POSITIONS): {error}") from None
        if self.model not in MODELS:
            raise SettingsError(
                f"--model (GENERATOR_MODEL) is {self.model}; it must be one of {', '.join(MODELS)}"
            )
        if not 0 < self.rate < math.inf:
            raise SettingsError(f"--rate (GENERATOR_RATE) is {self.rate}; it must be above 0 and finite")
        _check_price("--start-price (GENERATOR_START_PRICE)", self.start_price)
        for symbol, price in self.start_prices.items():
            _check_price(f"the price of {symbol} in --start-prices (GENERATOR_START_PRICES)", price)
        if not 0 <= self.volatility < math.inf:
            raise SettingsError(
                f"--volatility (GENERATOR_VOLATILITY) is {self.volatility}; it must be finite and not below 0"
            )
        if self.count is not None and self.count < 1:
            raise SettingsError(f"--count is {self.count}; it must be at least 1")
        if self.count is not None and self.shared:
            raise SettingsError(
                "--count and --shared (GENERATOR_SHARED) exclude each other: one generator makes a count"
            )
        if self.max_queued < 1:
            raise SettingsError(f"--max-queued is {self.max_queued}; it must be at least 1")

    def start_price_of(self, symbol: str) -> float:
        """The price of a position's first tick."""
        return self.start_prices.get(symbol, self.start_price)

    def shares(self) -> dict[str, int]:
        """How many ticks of `count` each position gets: equal shares; the first ones get the remainder."""
        assert self.count is not None  # noqa: S101  only asked for runs with a count
        each, rest = divmod(self.count, len(self.positions))
        return {symbol: each + (number < rest) for number, symbol in enumerate(self.positions)}


def parse_positions(text: str) -> tuple[str, ...]:
    """`AAPL,MSFT`: the symbols, in this order."""
    return tuple(symbol.strip() for symbol in text.split(",") if symbol.strip())


def parse_start_prices(text: str) -> dict[str, float]:
    """`AAPL=230,MSFT=420`: currency units by symbol. Raises SettingsError."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        symbol, _, price = part.partition("=")
        try:
            found[symbol] = float(price)
        except ValueError:
            raise SettingsError(
                f"--start-prices (GENERATOR_START_PRICES): {part!r} is not a start price; "
                "write SYMBOL=PRICE, as in AAPL=230"
            ) from None
    return found


def _check_price(name: str, price: float) -> None:
    """Prices are published in whole cents, and the gatherer accepts those below PRICE_BEYOND."""
    if not LEAST_PRICE <= price < PRICE_BEYOND:
        raise SettingsError(
            f"{name} is {price:.10g}; it must be at least {LEAST_PRICE} and below {PRICE_BEYOND:g}"
        )
    if not math.isclose(price, round(price, 2), rel_tol=1e-12):
        raise SettingsError(f"{name} is {price:.10g}; prices have two decimals")
