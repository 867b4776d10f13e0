"""The settings of the one-off sources, which `data_generator.sources` implements."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from marathon.section import Section
from marathon.signals import Positive

Count = Annotated[int, Field(ge=1)]
JobCpus = Annotated[Positive, Field(description="CPUs of the job")]
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


class Sources(Section):
    prices: PriceSource
    random_numbers: RandomSource
    system: SystemSource
