"""`python -m data_generator.sources.prices`: writes simulated prices of several symbols to one topic.

The symbol of each message is random. Its price is normal around the symbol's start price.
"""

from __future__ import annotations

import logging
import secrets
import sys
import time

import click
import numpy as np
from numpy.typing import NDArray

from data_generator.encoding import encode, to_cents
from data_generator.errors import DeliveryError
from data_generator.settings import Settings, parse_positions, parse_start_prices
from data_generator.sources.exact import BLOCK, Record, Target, write_exactly
from data_generator.sources.ledger import Written
from kafka_topic.contracts import Price
from kafka_topic.errors import SecurityError
from task_runtime.errors import SettingsError
from task_runtime.process import log_to_stderr, stop_event

SOURCE = "produce-prices"
_LOG = logging.getLogger("data_generator")


class Prices:
    """The messages of one run. Runs with the same seed make the same symbols and prices."""

    def __init__(self, settings: Settings, total: int, now_ms: int) -> None:
        """now_ms: the event time of the last message, in milliseconds since 1970, UTC."""
        self._settings = settings
        self._total = total
        self._now_ms = now_ms
        self._middles = np.array([settings.start_price_of(symbol) for symbol in settings.positions])
        self._restart()

    def make(self, start: int, stop: int, began: Written) -> list[Record]:
        """The messages start to stop - 1."""
        picks, deviations = self._draws(start, stop)
        cents = to_cents(self._middles[picks] * (1 + self._settings.volatility * deviations))
        times = self._times(start, stop, began)
        values = np.empty(stop - start, dtype=object)
        for index, symbol in enumerate(self._settings.positions):
            mine = picks == index
            if mine.any():
                values[mine] = encode(symbol, times[mine], cents[mine])
        symbols = [self._settings.positions[pick] for pick in picks]
        return [Record(symbol, value) for symbol, value in zip(symbols, values, strict=True)]

    def _restart(self) -> None:
        seed = self._settings.seed
        self._which, self._how = (np.random.default_rng([seed, stream]) for stream in (0, 1))
        self._drawn = 0

    def _draws(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The symbol of each message, and its price in standard deviations."""
        if start < self._drawn:
            self._restart()
        while self._drawn < stop:
            count = min(BLOCK, start - self._drawn) or stop - start
            which, how = self._which.random(count), self._how.standard_normal(count)
            self._drawn += count
        return np.floor(which * len(self._middles)).astype(np.int64), how

    def _times(self, start: int, stop: int, began: Written) -> NDArray[np.int64]:
        """Event times at `rate` per second that end now; none is before a message of an earlier run."""
        left = self._total - 1 - began.so_far
        first = self._now_ms - left * 1000 / self._settings.rate
        if began.last is not None:
            first = max(first, Price.from_json(began.last).ts.timestamp() * 1000)
        step = max(0.0, self._now_ms - first) / max(1, left)
        times: NDArray[np.int64] = np.floor(first + (np.arange(start, stop) - began.so_far) * step).astype(
            np.int64
        )
        return times


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", show_envvar=True, required=True)
@click.option("--topic", envvar="TOPIC", show_envvar=True, default="prices")
@click.option("--positions", envvar="POSITIONS", show_envvar=True, default="AAPL,AMZN,GOOG,MSFT,TSLA")
@click.option("--count", envvar="COUNT", show_envvar=True, type=click.IntRange(min=1), default=5000)
@click.option("--rate", envvar="RATE", show_envvar=True, default=50.0)
@click.option("--seed", envvar="SEED", show_envvar=True, type=click.IntRange(min=0))
@click.option("--start-price", envvar="START_PRICE", show_envvar=True, default=100.0)
@click.option("--start-prices", envvar="START_PRICES", show_envvar=True, default="")
@click.option("--volatility", envvar="VOLATILITY", show_envvar=True, default=0.02)
@click.option("--patience", default=60.0, help="Give up after this many seconds without a write.")
def main(
    bootstrap_servers: str,
    topic: str,
    positions: str,
    count: int,
    rate: float,
    seed: int | None,
    start_price: float,
    start_prices: str,
    volatility: float,
    patience: float,
) -> None:
    """Write simulated prices until the topic holds COUNT; another run writes only missing ones."""
    log_to_stderr("data_generator")
    stop = stop_event()
    try:
        settings = Settings(
            bootstrap_servers=bootstrap_servers,
            positions=parse_positions(positions),
            seed=secrets.randbits(32) if seed is None else seed,
            model="normal",
            rate=rate,
            start_price=start_price,
            start_prices=parse_start_prices(start_prices),
            volatility=volatility,
            count=count,
        )
        prices = Prices(settings, count, time.time_ns() // 1_000_000)
        target = Target(bootstrap_servers, topic, SOURCE, patience)
        wrote = write_exactly(count, prices.make, target, stop)
    except (SettingsError, SecurityError, DeliveryError) as error:
        _LOG.error("%s", error)
        sys.exit(error.exit_code)
    click.echo(f"{count} prices are in {topic}; this run wrote {wrote}")


if __name__ == "__main__":
    main()
