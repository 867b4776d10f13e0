"""The settings of the apps with a page for people: the live page, and JupyterLab."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from marathon import validators
from marathon.secrets import Environment, Secret, SecretSection
from marathon.section import Cpus, Section

_HUB_MEM = 256


class Dashboard(Section):
    history: Annotated[int, Field(ge=60)] = Field(
        description="number of windows and prices kept per position; fewer with very many positions"
    )
    cluster: Annotated[str, Field(min_length=1)] | None = Field(
        description="name of this cluster on the page, beside `clusters`; null: that of `--cluster`"
    )
    clusters: dict[str, Annotated[str, AfterValidator(validators.check_page)]] | None = Field(
        description="other clusters that the page offers, name to the address of their page; their pages may "
        "read how this one is; null: those that the cluster is linked to; see "
        "[Several clusters](../docs/clusters.md#on-the-live-page)"
    )
    cpus: Cpus = Field(description="CPUs")
    mem: Annotated[int, Field(ge=128)] = Field(description="memory in MiB")


class Notebooks(SecretSection):
    image: Annotated[str, Field(min_length=1)] | None = Field(
        description="Docker image of the app `notebooks`, with JupyterLab, and JupyterHub for `users`; "
        "required with `image`"
    )
    folder: Annotated[str, AfterValidator(validators.check_file)] | None = Field(
        description="folder of the notebooks, the same on every agent, such as a mounted share; null on "
        "`local`: the folder `notebooks` in PIPECTL_HOME; null elsewhere: they end with their task; in an "
        "area, the folder `areas/NAME` in it"
    )
    token: Annotated[str, Field(min_length=1)] | None = Field(
        description="path of the DC/OS secret with the token that users sign in with, at least 32 "
        "characters; required on a cluster without `users`"
    )
    users: (
        Annotated[
            tuple[Annotated[str, AfterValidator(validators.check_user)], ...],
            Field(strict=False),
            AfterValidator(validators.check_distinct),
        ]
        | None
    ) = Field(
        description="users of the cluster who each have a server of their own, by JupyterHub: "
        "`[ann, ben]`; empty: all share one JupyterLab; null: the people of `accounts.users`, in an area "
        "those of the area"
    )
    login_keys: Annotated[dict[str, Any], AfterValidator(validators.check_login_keys)] | None = Field(
        description="public keys of the cluster's login, as `/acs/api/v1/auth/jwks` of the cluster shows "
        "them; required on a cluster with `users`"
    )
    cpus: Cpus = Field(description="CPUs")
    mem: Annotated[int, Field(ge=512)] = Field(
        description="memory in MiB: about 150 for the server, and 200 for each open notebook; with `users`, "
        "of each of them, and no process of theirs gets more"
    )

    def secrets_named(self) -> tuple[Secret, ...]:
        return (Secret("notebooks-token", "NOTEBOOKS_TOKEN", None if self.users else self.token),)

    @property
    def environment(self) -> Environment:
        """Besides the token: the users, and what proves who they are."""
        if not self.users:
            return super().environment
        keys = {} if self.login_keys is None else {"NOTEBOOKS_LOGIN_KEYS": json.dumps(self.login_keys)}
        return {
            "NOTEBOOKS_USERS": ",".join(self.users),
            "NOTEBOOKS_USER_MEM": str(self.mem),
            **keys,
        }

    @property
    def task_mem(self) -> int:
        """The memory of the whole task, in MiB."""
        return _HUB_MEM + self.mem * len(self.users) if self.users else self.mem
