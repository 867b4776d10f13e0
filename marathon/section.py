"""The base class of all sections of the settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping with exactly these keys and types. It is immutable once loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
