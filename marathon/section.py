"""The base class of all sections of the settings, and a type that many of them use."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Cpus = Annotated[float, Field(ge=0.01, allow_inf_nan=False)]
"""A share of processors. Mesos offers, and Metronome accepts, no less than a hundredth of one."""


class Section(BaseModel):
    """A mapping with exactly these keys and types. It is immutable once loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
