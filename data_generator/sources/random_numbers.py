"""`python -m data_generator.sources.random_numbers`: writes random numbers of one distribution."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from datetime import datetime

import click
import numpy as np

from data_generator.sources.exact import Target
from data_generator.sources.measurements import options, run
from kafka_topic.contracts import Measurement

SOURCE = "random-numbers"
DISTRIBUTIONS: Mapping[str, Callable[[np.random.Generator], float]] = {
    "normal": lambda random: random.standard_normal(),
    "uniform": lambda random: random.random(),
    "exponential": lambda random: random.standard_exponential(),
    "lognormal": lambda random: random.lognormal(),
}
"""The standard forms: mean 0 and deviation 1; from 0 to 1; mean 1; e to the power of a normal number."""


class Numbers:
    """Numbers of one distribution. With the same seed, number n is the same in every run."""

    def __init__(self, distribution: str, seed: int) -> None:
        self._distribution = distribution
        self._seed = seed
        self._host = socket.gethostname()

    def sample(self, number: int, moment: datetime) -> list[Measurement]:
        """The number with this index."""
        value = DISTRIBUTIONS[self._distribution](np.random.default_rng([self._seed, number]))
        return [Measurement(moment, self._distribution, float(value), "1", self._host)]


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@options("random-numbers")
@click.option(
    "--distribution", envvar="DISTRIBUTION", show_envvar=True, type=click.Choice(list(DISTRIBUTIONS)),
    default="normal",
)  # fmt: skip
@click.option(
    "--rate", envvar="RATE", show_envvar=True, type=click.FloatRange(0, min_open=True), default=10.0,
    help="Numbers per second.",
)  # fmt: skip
@click.option("--seed", envvar="SEED", show_envvar=True, type=click.IntRange(min=0))
def main(
    bootstrap_servers: str,
    topic: str,
    count: int | None,
    patience: float,
    distribution: str,
    rate: float,
    seed: int | None,
) -> None:
    """Write random numbers at RATE per second."""
    numbers = Numbers(distribution, secrets.randbits(32) if seed is None else seed)
    run(numbers.sample, 1 / rate, count, Target(bootstrap_servers, topic, SOURCE, patience))


if __name__ == "__main__":
    main()
