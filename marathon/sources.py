"""The settings of the one-off sources, the jobs that `data_generator.sources` does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from marathon.section import Section
from marathon.signals import Positive

Count = Annotated[int, Field(ge=1)]


class PriceSource(Section):
    count: Count = Field(description="prices that `pipectl run produce-prices` leaves in the topic `prices`")
    rate: Positive = Field(description="prices per second of event time, which ends with the run")
    volatility: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        description="standard deviation of the normal distribution, relative to the start price of the symbol"
    )
    seed: Annotated[int, Field(ge=0)] | None = Field(
        description="seed of symbols and prices; null: others on each run"
    )
    cpus: Positive = Field(description="CPUs of the job")
    mem: Annotated[int, Field(ge=64)] = Field(description="memory of the job in MiB")


class RandomSource(Section):
    count: Count | None = Field(
        description="numbers that `pipectl run random-numbers` leaves in the topic `random-numbers`; null: "
        "it goes on until it is stopped"
    )
    rate: Positive = Field(description="numbers per second")
    distribution: Literal["normal", "uniform", "exponential", "lognormal"] = Field(
        description="normal, uniform, exponential or lognormal, each in its standard form"
    )
    seed: Annotated[int, Field(ge=0)] | None = Field(description="seed; null: others on each run")
    cpus: Positive = Field(description="CPUs of the job")
    mem: Annotated[int, Field(ge=64)] = Field(description="memory of the job in MiB")


class SystemSource(Section):
    count: Count | None = Field(
        description="measurements that `pipectl run system` leaves in the topic `monitoring`; null: it goes "
        "on until it is stopped"
    )
    cpus: Positive = Field(description="CPUs of the job")
    mem: Annotated[int, Field(ge=64)] = Field(description="memory of the job in MiB")


class Sources(Section):
    prices: PriceSource
    random_numbers: RandomSource
    system: SystemSource
