"""What surrounds the bundle on the in-memory engine."""

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
