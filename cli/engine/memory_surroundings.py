"""What surrounds the bundle on the in-memory engine."""

from collections.abc import Iterable, Set

from cli.engine.accounts import Principal, Right
from cli.engine.surroundings import AreaStatus, KnownCluster, Quota
from cli.errors import NotFound


class MemoryClusters:
    """One cluster and its links. `others` may be linked."""

    def __init__(self) -> None:
        self.others: dict[str, KnownCluster] = {}
        self.links: set[str] = set()

    def known(self) -> list[KnownCluster]:
        """This cluster and the others."""
        return [KnownCluster("0", "memory", "https://memory.invalid", "2.0.0", True), *self.others.values()]

    def linked(self) -> list[KnownCluster]:
        """The others with a link."""
        return [one for name, one in self.others.items() if name in self.links]

    def link(self, name: str) -> None:
        """Link to one of the others."""
        if name not in self.others:
            raise NotFound(["link", name], 1, "", "does not exist")
        self.links.add(name)

    def unlink(self, name: str) -> None:
        """Remove a link."""
        if name not in self.links:
            raise NotFound(["unlink", name], 1, "", "does not exist")
        self.links.remove(name)


class MemoryAreas:
    """Areas in which nothing is used."""

    def __init__(self) -> None:
        self._areas: dict[str, AreaStatus] = {}

    def all(self) -> dict[str, AreaStatus]:
        """The areas by name."""
        return dict(self._areas)

    def put(self, name: str, quota: Quota) -> None:
        """Keep the area."""
        self._areas[name] = AreaStatus(name, quota, 0.0, 0.0)

    def delete(self, name: str) -> None:
        """Forget the area."""
        self._areas.pop(name, None)


class MemoryAccounts:
    """Accounts without passwords. secrets: the secrets and the accounts of services."""

    def __init__(self, secrets: Set[tuple[str, str]]) -> None:
        self._secrets = secrets
        self._users: set[str] = set()
        self._members: dict[str, set[str]] = {}
        self._rights: dict[tuple[Principal, str], set[Right]] = {}

    def group_rights(self, area: str, *, change: bool) -> Iterable[Right]:
        """One right for all apps of the area."""
        return [Right(f"apps of {area}", "full" if change else "read")]

    def service_rights(
        self, area: str, service: str, account: str, *, run_as: str, tls: bool
    ) -> Iterable[Right]:
        """One right to run in the area."""
        return [Right(f"{service} in {area}", "create")]

    def services(self) -> set[str]:
        """Those among the secrets."""
        return {name for kind, name in self._secrets if kind == "account"}

    def users(self) -> set[str]:
        """The users."""
        return set(self._users)

    def groups(self) -> set[str]:
        """The groups."""
        return set(self._members)

    def members(self, group: str) -> set[str]:
        """The members of a group."""
        return set(self._members[group])

    def rights(self, principal: Principal, name: str) -> set[Right]:
        """The rights of a principal."""
        return set(self._rights.get((principal, name), ()))

    def create_user(self, name: str, password: str) -> None:
        """Create a user; the password is forgotten."""
        self._users.add(name)

    def create_group(self, name: str, description: str) -> None:
        """Create a group."""
        self._members.setdefault(name, set())

    def add_member(self, group: str, user: str) -> None:
        """Add a user to a group."""
        self._members[group].add(user)

    def grant(self, principal: Principal, name: str, right: Right) -> None:
        """Give a right."""
        self._rights.setdefault((principal, name), set()).add(right)
