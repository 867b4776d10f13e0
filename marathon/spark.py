"""The settings of Spark and of its jobs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from marathon.section import Section
from marathon.signals import Positive


class Report(Section):
    method: Literal["sigma", "hampel", "both"] = Field(
        description="how `pipectl run prices-report` finds outliers: `sigma`, 3 standard deviations; "
        "`hampel`, 3 MAD; or both"
    )
    cpus: Positive = Field(description="CPUs of the job")
    mem: Annotated[int, Field(ge=1024)] = Field(
        description="memory of the job in MiB, half of it for the heap of Spark's driver"
    )


class Spark(Section):
    master: Annotated[str, Field(pattern=r"^(local\[(\*|[1-9][0-9]*)\]|spark://\S+:[0-9]+)$")] = Field(
        description="where Spark jobs run: `local[*]`, in their own process, or `spark://HOST:PORT`, on a "
        "standalone cluster"
    )
    secret_file: Annotated[str, Field(min_length=1)] | None = Field(
        description="file on each agent with the shared secret of a standalone cluster"
    )
    report: Report
