"""The settings of the apps with a page for people: the live page, and JupyterLab."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.secrets import Secret, SecretSection
from marathon.section import Cpus, Section


class Dashboard(Section):
    history: Annotated[int, Field(ge=60)] = Field(
        description="number of windows and prices kept per position; fewer with very many positions"
    )
    cpus: Cpus = Field(description="CPUs")
    mem: Annotated[int, Field(ge=128)] = Field(description="memory in MiB")


class Notebooks(SecretSection):
    image: Annotated[str, Field(min_length=1)] | None = Field(
        description="Docker image of the app `notebooks`, with JupyterLab; required with `image`"
    )
    folder: Annotated[str, AfterValidator(validators.check_file)] | None = Field(
        description="folder of the notebooks, the same on every agent, such as a mounted share; null on "
        "`local`: the folder `notebooks` in PIPECTL_HOME; null elsewhere: they end with their task"
    )
    token: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret with the token that users sign in with, at least 32 "
        "characters; required on a cluster"
    )
    cpus: Cpus = Field(description="CPUs")
    mem: Annotated[int, Field(ge=512)] = Field(
        description="memory in MiB: about 150 for the server, and 200 for each open notebook"
    )

    def secrets_named(self) -> tuple[Secret, ...]:
        return (Secret("notebooks-token", "NOTEBOOKS_TOKEN", self.token),)
