"""What every section of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of settings: exactly these keys, of exactly these types, and unchanged once loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
