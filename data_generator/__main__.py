"""`python -m data_generator`."""

from __future__ import annotations

import logging
import secrets
import sys
from contextlib import ExitStack

import click
from click.core import ParameterSource

from data_generator.errors import DeliveryError
from data_generator.models import MODELS
from data_generator.pages import Generator, pages_of
from data_generator.service import Service
from data_generator.settings import Settings, parse_positions, parse_start_prices
from data_generator.shared import SharedService
from kafka_topic.errors import SecurityError
from task_runtime.errors import SettingsError
from task_runtime.pages import serve_pages
from task_runtime.process import log_to_stderr, stop_event

_LOG = logging.getLogger("data_generator")


@click.command(
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog="""\b
Example, 5000 ticks into the topics of two positions, the same each time:
  python -m data_generator --bootstrap-servers 127.0.0.1:9092 \\
      --positions AAPL,MSFT --seed 7 --count 5000""",
)
@click.option(
    "--bootstrap-servers",
    envvar="KAFKA_BOOTSTRAP_SERVERS",
    show_envvar=True,
    required=True,
    help="host:port,…",
)
@click.option(
    "--topic-prefix", envvar="TOPIC_PREFIX", show_envvar=True, default="", help="Prefix of each topic name."
)
@click.option(
    "--positions",
    envvar="POSITIONS",
    show_envvar=True,
    default="AAPL,AMZN,GOOG,MSFT,TSLA",
    help="Symbols, separated by commas; the prices of SYMBOL go to the topic position.SYMBOL.",
)
@click.option(
    "--model", type=click.Choice(list(MODELS)), envvar="GENERATOR_MODEL", show_envvar=True,
    default=Settings.model, help="The price model.",
)  # fmt: skip
@click.option(
    "--rate", type=float, envvar="GENERATOR_RATE", show_envvar=True, default=Settings.rate,
    help="Ticks per second and position.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0), envvar="GENERATOR_SEED", show_envvar=True,
    help="The same seed makes the same prices; without one they differ each time.",
)  # fmt: skip
@click.option(
    "--start-price", type=float, envvar="GENERATOR_START_PRICE", show_envvar=True,
    default=Settings.start_price, help="First price of regimes, gbm and ou; the mean of uniform and normal.",
)  # fmt: skip
@click.option(
    "--start-prices", envvar="GENERATOR_START_PRICES", show_envvar=True, default="",
    help="Start prices of some positions: SYMBOL=PRICE, separated by commas.",
)  # fmt: skip
@click.option(
    "--volatility", type=float, envvar="GENERATOR_VOLATILITY", show_envvar=True,
    default=Settings.volatility,
    help="Standard deviation: of the log return over a calm day (regimes) or a year (gbm), of the log price "
    "(ou), or of the price relative to its start (uniform, normal).",
)  # fmt: skip
@click.option(
    "--count", type=click.IntRange(min=1),
    help="Make exactly this many ticks, then end: as fast as possible, or at --rate if it is given as an "
    "option.",
)  # fmt: skip
@click.option(
    "--max-queued", type=click.IntRange(min=1), default=100_000,
    help="How many ticks may wait for Kafka, about 300 bytes each. No more are made while the queue is full.",
)  # fmt: skip
@click.option(
    "--patience", type=float, default=60.0,
    help="With --count: give up after this many seconds without a delivery.",
)  # fmt: skip
@click.option(
    "--flush-timeout",
    type=float,
    default=10.0,
    help="Seconds for the last deliveries after SIGTERM or Ctrl-C.",
)
@click.option(
    "--shared", is_flag=True, envvar="GENERATOR_SHARED", show_envvar=True,
    help="Share the positions with the other generators that have this option; each position has one owner.",
)  # fmt: skip
@click.option(
    "--host", envvar="HOST", show_envvar=True, default="127.0.0.1",
    help="This machine's address; /health is served on all of them unless this is loopback.",
)  # fmt: skip
@click.option(
    "--port",
    type=int,
    envvar="PORT0",
    show_envvar=True,
    help="Port of /health and /counters; without it there is no server.",
)
@click.pass_context
def main(
    context: click.Context,
    bootstrap_servers: str,
    topic_prefix: str,
    positions: str,
    model: str,
    rate: float,
    seed: int | None,
    start_price: float,
    start_prices: str,
    volatility: float,
    count: int | None,
    max_queued: int,
    patience: float,
    flush_timeout: float,
    shared: bool,
    host: str,
    port: int | None,
) -> None:
    """Publish synthetic prices to Kafka, one topic per position, until stopped or until --count is reached.

    Ticks wait in a bounded queue while Kafka is slow or away. The generator waits for missing topics; it
    never creates one.
    """
    # A rate in the environment is meant for the service, and must not slow down a count.
    rate_by_hand = context.get_parameter_source("rate") is ParameterSource.COMMANDLINE
    log_to_stderr("data_generator")
    stop = stop_event()
    try:
        settings = Settings(
            bootstrap_servers=bootstrap_servers,
            positions=parse_positions(positions),
            seed=secrets.randbits(32) if seed is None else seed,
            seeded=seed is not None,
            prefix=topic_prefix,
            model=model,
            rate=rate,
            start_price=start_price,
            start_prices=parse_start_prices(start_prices),
            volatility=volatility,
            count=count,
            paced=count is None or rate_by_hand,
            max_queued=max_queued,
            patience=patience,
            flush_timeout=flush_timeout,
            shared=shared,
        )
        service: Generator = SharedService(settings, stop) if shared else Service(settings, stop)
        with ExitStack() as web:
            if port is not None:
                bound = web.enter_context(serve_pages(pages_of(service), host, port))
                _LOG.info("http://%s:%d/health and /counters", host, bound)
            _LOG.info("%s of %s, seed %d", model, ", ".join(settings.positions), settings.seed)
            service.run()
    except (SettingsError, SecurityError, DeliveryError) as error:
        _LOG.error("%s", error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
