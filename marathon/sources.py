"""The settings of the one-off sources, which `data_generator.sources` implements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.section import Cpus, Section
from marathon.signals import Positive

Count = Annotated[int, Field(ge=1)]
JobCpus = Annotated[Cpus, Field(description="CPUs of the job")]
JobMemory = Annotated[int, Field(ge=64, description="memory of the job in MiB")]


class PriceSource(Section):
    count: Count = Field(
        description="number of prices in the topic `prices` after `pipectl run produce-prices`"
    )
    rate: Positive = Field(
        description="prices per second of event time; the last one is at the time of the run"
    )
    volatility: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="standard deviation of the normal distribution, relative to the start price of the symbol"
    )
    seed: Annotated[int, Field(ge=0)] | None = Field(
        description="seed of symbols and prices; null: random on each run"
    )
    cpus: JobCpus
    mem: JobMemory


class RandomSource(Section):
    count: Count | None = Field(
        description="`pipectl run random-numbers` ends when the topic `random-numbers` holds this many; "
        "null: it runs until stopped"
    )
    rate: Positive = Field(description="numbers per second")
    distribution: Literal["normal", "uniform", "exponential", "lognormal"] = Field(
        description="normal, uniform, exponential or lognormal, each in its standard form"
    )
    seed: Annotated[int, Field(ge=0)] | None = Field(description="seed; null: random on each run")
    cpus: JobCpus
    mem: JobMemory


class SystemSource(Section):
    count: Count | None = Field(
        description="`pipectl run system` ends when the topic `monitoring` holds this many measurements; "
        "null: it runs until stopped"
    )
    cpus: JobCpus
    mem: JobMemory


class CensusSource(Section):
    cpus: JobCpus
    mem: JobMemory


class ReplaySource(Section):
    files: Annotated[
        tuple[Annotated[str, AfterValidator(validators.check_file)], ...], Field(strict=False)
    ] = Field(
        description="CSV and Parquet files with historical prices, on the agent, for `pipectl run replay`"
    )
    speed: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="1 is the original pace, 10 is ten times faster, 0 is as fast as possible"
    )
    time_column: str | None = Field(description="column with the time; null: found by its name")
    price_column: str | None = Field(description="column with the price; null: found by its name")
    symbol_column: str | None = Field(
        description="column with the symbol; null: found by its name, or the symbol is the name of the file"
    )
    time_zone: Annotated[str, AfterValidator(validators.check_time_zone)] = Field(
        description="time zone of times without an offset"
    )
    time_format: Annotated[str, AfterValidator(validators.check_time_format)] | None = Field(
        description="form of the times, as in Python: `%m/%d/%Y`; null: ISO 8601, or a number since 1970"
    )
    since: Annotated[str, AfterValidator(validators.check_date)] | None = Field(
        description="date before which prices are left out; null: none"
    )
    cpus: JobCpus
    mem: JobMemory

    @property
    def command(self) -> list[str]:
        """The arguments of `python -m`."""
        return ["data_generator.sources.replay", *self.files]

    @property
    def environment(self) -> dict[str, str]:
        """The settings that are set, for the job's environment."""
        names = ("time_column", "price_column", "symbol_column", "time_zone", "time_format", "since")
        return {name.upper(): value for name in names if (value := getattr(self, name)) is not None}


class Sources(Section):
    prices: PriceSource
    random_numbers: RandomSource
    system: SystemSource
    census: CensusSource
    replay: ReplaySource
