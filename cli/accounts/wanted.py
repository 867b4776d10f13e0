"""What the settings want: groups and people per area, and accounts of services with the least rights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cli.engine.accounts import Accounts, Principal, Right
from cli.errors import UsageProblem
from marathon import Settings

Kind = Literal["group", "user", "service account"]


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


def wanted(settings: Settings, engine: Accounts) -> list[Wanted]:
    """All that the settings want, groups first. Raises UsageProblem if they name an unknown area."""
    accounts = settings.accounts
    known = [name for name, area in settings.areas.items() if area is not None]
    users = {name: areas for name, areas in accounts.users.items() if areas is not None}
    _check(known, "accounts.areas", accounts.areas)
    _check(known, "accounts.change", accounts.change)
    for name, areas in users.items():
        _check(known, f"accounts.users.{name}", areas)
    return [
        *(
            Wanted("group", area, tuple(engine.group_rights(area, change=area in accounts.change)))
            for area in known
        ),
        *(Wanted("user", name, groups=areas) for name, areas in users.items()),
        *(
            Wanted(
                "service account",
                account_name(area, service),
                tuple(
                    engine.service_rights(
                        area,
                        service,
                        account_name(area, service),
                        run_as=accounts.run_as,
                        tls=accounts.tls,
                    )
                ),
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
