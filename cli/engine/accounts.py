"""The protocol of the accounts on an engine: of services and people, their groups and rights."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

Principal = Literal["user", "group"]
"""Who has rights; the account of a service counts as a user."""


@dataclass(frozen=True, order=True)
class Right:
    """What a principal may do with a resource: `create`, `read`, `update`, `delete` or `full`."""

    resource: str
    action: str

    def __str__(self) -> str:
        return f"{self.resource} {self.action}"


class Accounts(Protocol):
    """Accounts, groups and rights. Raises NoAccounts if the engine has none. Nothing is ever removed."""

    def group_rights(self, area: str, *, change: bool) -> Iterable[Right]:
        """The least rights to see the apps of an area; with `change`, also to deploy them."""

    def service_rights(
        self, area: str, service: str, account: str, *, run_as: str, tls: bool
    ) -> Iterable[Right]:
        """The least rights of the account of a service in an area.

        run_as: the user of its tasks. tls: whether the service makes its own certificates.
        """

    def services(self) -> set[str]:
        """The accounts of services."""

    def users(self) -> set[str]:
        """The accounts of people."""

    def groups(self) -> set[str]:
        """The groups."""

    def members(self, group: str) -> set[str]:
        """The members of a group that exists."""

    def rights(self, principal: Principal, name: str) -> set[Right]:
        """The rights that a principal has itself, without those of its groups. It must exist."""

    def create_user(self, name: str, password: str) -> None:
        """Create the account of a person."""

    def create_group(self, name: str, description: str) -> None:
        """Create a group."""

    def add_member(self, group: str, user: str) -> None:
        """Add a user to a group."""

    def grant(self, principal: Principal, name: str, right: Right) -> None:
        """Give a right."""
