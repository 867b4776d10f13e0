"""The settings of `pipectl tunnel`: the SSH server that leads into the cluster."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.section import Section


class Ssh(Section):
    host: Annotated[str, AfterValidator(validators.check_host)] | None = Field(
        description="host that `pipectl tunnel` logs in to, which must reach the agents; null: that of the "
        "cluster's address, a master. On `local`, `pipectl` starts a server of its own"
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(description="its port")
    user: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")] = Field(
        description="the user to log in as"
    )
    key: Annotated[str, Field(min_length=1)] | None = Field(
        description="file with the private key on this machine; null: those of `ssh` and its agent"
    )
