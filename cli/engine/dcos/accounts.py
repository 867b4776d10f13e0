"""Accounts, groups and rights of DC/OS Enterprise.

`dcos security` makes every change but one: it takes the password of a new user on its command line only,
where every user of the machine can read it. The API behind it, DC/OS' IAM, takes it in a request. It also
tells members and rights, which no command of `dcos security` shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from cli.engine.accounts import Principal, Right
from cli.engine.dcos import rights
from cli.engine.dcos.faults import CommandMissing
from cli.engine.dcos.front_door import FrontDoor
from cli.engine.dcos.runner import Dcos
from cli.errors import AlreadyExists, NoAccounts, NotFound, PipectlError

_IAM = "acs/api/v1"
_HINT = "a user needs the permission dcos:superuser to manage accounts"


class DcosAccounts:
    """The accounts of a cluster. front_door: opens its APIs."""

    def __init__(self, dcos: Dcos, front_door: Callable[[], FrontDoor]) -> None:
        self._dcos = dcos
        self._open = front_door

    def group_rights(self, area: str, *, change: bool) -> Iterable[Right]:
        """Those of DC/OS Enterprise."""
        return rights.of_group(area, change=change)

    def service_rights(
        self, area: str, service: str, account: str, *, run_as: str, tls: bool
    ) -> Iterable[Right]:
        """Those of DC/OS Enterprise in strict mode."""
        return rights.of_service(area, service, account, run_as=run_as, tls=tls)

    def services(self) -> set[str]:
        """The service accounts, DC/OS' own included."""
        return self._names("service-accounts")

    def users(self) -> set[str]:
        """The users, also those of a directory that have logged in or were imported."""
        return self._names("users")

    def groups(self) -> set[str]:
        """The groups."""
        return self._names("groups")

    def members(self, group: str) -> set[str]:
        """The members of a group."""
        return {one["user"]["uid"] for one in self._iam(f"groups/{quote(group, safe='')}/users")["array"]}

    def rights(self, principal: Principal, name: str) -> set[Right]:
        """The rights of a principal itself."""
        found = self._iam(f"{principal}s/{quote(name, safe='')}/permissions")
        return {
            # Admin Router takes slashes in a resource only as %2F.
            Right(unquote(one["rid"]), action["name"])
            for one in found["array" if principal == "group" else "direct"]
            for action in one["actions"]
        }

    def create_user(self, name: str, password: str) -> None:
        """Create a local user."""
        try:
            self._door.ask(
                "PUT",
                f"{_IAM}/users/{quote(name, safe='')}",
                {"description": name, "password": password},
                hint=_HINT,
            )
        except PipectlError:
            # The answer may be lost.
            if name not in self.users():
                raise

    def create_group(self, name: str, description: str) -> None:
        """Create a group."""
        self._change("groups", "create", "-d", description, name, verify=lambda: name in self.groups())

    def add_member(self, group: str, user: str) -> None:
        """Add a user to a group."""
        self._change("groups", "add_user", group, user, verify=lambda: user in self.members(group))

    def grant(self, principal: Principal, name: str, right: Right) -> None:
        """Give a right, and make its list of who has it if there is none yet."""
        self._change(
            *(f"{principal}s", "grant", name, right.resource, right.action),
            verify=lambda: right in self.rights(principal, name),
        )

    @cached_property
    def _door(self) -> FrontDoor:
        return self._open()

    def _iam(self, path: str) -> Any:
        return self._door.ask("GET", f"{_IAM}/{path}", hint=_HINT)

    def _names(self, kind: str) -> set[str]:
        try:
            return set(self._dcos.json(["security", "org", kind, "show", "--json"]))
        except CommandMissing:
            raise NoAccounts(
                "this `dcos` has no command `security`",
                hint="it is part of DC/OS Enterprise: install it with `dcos package install "
                "dcos-enterprise-cli --cli`. Open DC/OS has no accounts of services, no groups and no rights",
            ) from None
        except NotFound:
            raise NoAccounts(
                f"the cluster has no {kind} (404)",
                hint="accounts of services, groups and rights are part of DC/OS Enterprise",
            ) from None

    def _change(self, *args: str, verify: Callable[[], bool]) -> None:
        with suppress(AlreadyExists):
            self._dcos.change(["security", "org", *args], verify_applied=verify)
