"""The settings of the accounts of a cluster: of services, of people, and of Linux on the agents."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from marathon.areas import AreaName
from marathon.section import Section

_Account = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]*$", max_length=96)]
_LinuxName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,30}$")]
_Uid = Annotated[int, Field(ge=1000, le=60_000)]
Service = Literal["kafka", "hdfs", "spark", "cassandra", "mysql"]


class Accounts(Section):
    services: Annotated[tuple[Service, ...], Field(strict=False)] = Field(
        description="services that get an account of DC/OS Enterprise, `<area>-<service>`, in each of "
        "`accounts.areas`; see [Accounts](../docs/accounts.md)"
    )
    areas: Annotated[tuple[AreaName, ...], Field(strict=False)] = Field(
        description="areas whose services get accounts"
    )
    change: Annotated[tuple[AreaName, ...], Field(strict=False)] = Field(
        description="areas whose people may change apps; in the others they only read"
    )
    users: dict[_Account, Annotated[tuple[AreaName, ...], Field(strict=False)] | None] = Field(
        description="people: name to their areas, such as `{alice: [dev, test]}`; null removes one"
    )
    run_as: _LinuxName = Field(description="Linux user that runs the tasks of the services")
    tls: bool = Field(description="whether kafka, hdfs and cassandra may get keys that the DC/OS CA signs")
    linux_users: dict[_LinuxName, _Uid | None] = Field(
        description="Linux users of the agents, for SSH tunnels: name to ID; null removes one"
    )
    ssh_keys: Annotated[str, Field(min_length=1)] | None = Field(
        description="file on this machine with the public SSH keys of those who may open tunnels as the "
        "Linux users; null: nobody"
    )

    def people(self, area: str | None) -> tuple[str, ...]:
        """Those of `users` who belong to an area; without one, all."""
        found = {name: areas for name, areas in self.users.items() if areas is not None}
        return tuple(name for name, areas in found.items() if area is None or area in areas)
