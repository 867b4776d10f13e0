"""What the settings want: groups and people per area, and accounts of services with the least rights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cli.engine.accounts import Principal, Right
from cli.errors import UsageProblem
from marathon import Settings

Kind = Literal["group", "user", "service account"]
_SDK = ("kafka", "hdfs", "cassandra")
"""Services whose scheduler, of DC/OS' SDK, reserves resources and volumes."""


@dataclass(frozen=True)
class Wanted:
    """A group, a person or an account of a service.

    groups: those that the person is a member of. secret: the path of the secret with a service's key.
    """

    kind: Kind
    name: str
    rights: tuple[Right, ...] = ()
    groups: tuple[str, ...] = ()
    secret: str | None = None

    @property
    def principal(self) -> Principal:
        """Who has the rights."""
        return "group" if self.kind == "group" else "user"


def wanted(settings: Settings) -> list[Wanted]:
    """All that the settings want, groups first. Raises UsageProblem if they name an unknown area."""
    accounts = settings.accounts
    known = [name for name, area in settings.areas.items() if area is not None]
    users = {name: areas for name, areas in accounts.users.items() if areas is not None}
    _check(known, "accounts.areas", accounts.areas)
    _check(known, "accounts.change", accounts.change)
    for name, areas in users.items():
        _check(known, f"accounts.users.{name}", areas)
    return [
        *(Wanted("group", area, tuple(_of_group(area, area in accounts.change))) for area in known),
        *(Wanted("user", name, groups=areas) for name, areas in users.items()),
        *(
            Wanted(
                "service account",
                account_name(area, service),
                tuple(_of_service(area, service, run_as=accounts.run_as, tls=accounts.tls)),
                secret=f"{area}/{service}/service-account",
            )
            for area in accounts.areas
            for service in accounts.services
        ),
    ]


def account_name(area: str, service: str) -> str:
    """The name of a service's account."""
    return f"{area}-{service}"


def _check(known: Sequence[str], setting: str, areas: Sequence[str]) -> None:
    for area in areas:
        if area not in known:
            raise UsageProblem(
                f"{setting}: the settings have no area {area}",
                hint=f"the areas are {', '.join(known) or 'none'}; the setting `areas` adds one",
            )


def _of_group(area: str, change: bool) -> Iterator[Right]:
    """See the apps of the area, their tasks and logs; with `change`, also deploy them."""
    yield Right("dcos:adminrouter:service:marathon", "full")
    yield Right(f"dcos:service:marathon:marathon:services:/{area}", "full" if change else "read")
    yield Right("dcos:adminrouter:ops:mesos", "full")
    yield Right("dcos:adminrouter:ops:slave", "full")
    for where in ("master", "agent"):
        # Marathon's own role, and that of the area's quota.
        for role in ("slave_public", area):
            yield Right(f"dcos:mesos:{where}:framework:role:{role}", "read")
        for what in ("executor", "task", *(["sandbox"] if where == "agent" else [])):
            yield Right(f"dcos:mesos:{where}:{what}:app_id:/{area}", "read")


def _of_service(area: str, service: str, *, run_as: str, tls: bool) -> Iterator[Right]:
    """What the service needs in strict mode. mysql needs nothing: it is an app like any other."""
    account = account_name(area, service)
    if service == "spark":
        yield Right(f"dcos:mesos:master:framework:role:{area}", "create")
        yield Right(f"dcos:mesos:master:task:app_id:/{area}/spark", "create")
    if service in _SDK:
        # The role of the area, and before DC/OS 2.0 that of the service.
        for role in (area, f"{area}__{service}-role"):
            for what in ("framework", "reservation", "volume"):
                yield Right(f"dcos:mesos:master:{what}:role:{role}", "create")
        for what in ("reservation", "volume"):
            yield Right(f"dcos:mesos:master:{what}:principal:{account}", "delete")
        if tls:
            yield Right(f"dcos:secrets:default:/{area}/{service}/*", "full")
            yield Right(f"dcos:secrets:list:default:/{area}/{service}", "read")
            yield Right("dcos:adminrouter:ops:ca:ro", "full")
            yield Right("dcos:adminrouter:ops:ca:rw", "full")
    if service == "spark" or service in _SDK:
        yield Right(f"dcos:mesos:master:task:user:{run_as}", "create")
