"""Where results stay."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.section import Section


class Stores(Section):
    disk: Annotated[str, AfterValidator(validators.check_file)] | None = Field(
        description="folder of the store `disk`, the same on every agent, such as a mounted share; null on "
        "`local`: the folder `store` in PIPECTL_HOME; null elsewhere: flows with that store are off"
    )

    @property
    def addresses(self) -> dict[str, str]:
        """The address of each store that is set, as `stores.opening` reads it."""
        return {} if self.disk is None else {"disk": f"disk:{self.disk}"}
