"""The protocol of what surrounds the bundle on an engine: agents, other clusters, and areas with quotas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class NodeStatus:
    """An agent of the cluster.

    cpus, mem: what it has, in CPUs and MiB, and used_cpus, used_mem: what its tasks have requested; None if
    the engine does not say. apps: the app of each task on it, sorted.
    """

    name: str
    address: str
    up: bool
    cpus: float | None
    mem: float | None
    used_cpus: float | None
    used_mem: float | None
    apps: tuple[str, ...]


@dataclass(frozen=True)
class KnownCluster:
    """A cluster as the engine's client lists it.

    version: None if the cluster does not answer. current: whether the engine works with it.
    """

    id: str
    name: str
    url: str
    version: str | None
    current: bool


class Clusters(Protocol):
    """The clusters that the client of the engine is set up for, and the links of the current one."""

    def known(self) -> Sequence[KnownCluster]:
        """The clusters that are set up on this machine."""

    def linked(self) -> Sequence[KnownCluster]:
        """The clusters that the current one links to."""

    def link(self, name: str) -> None:
        """Link the current cluster to one that is set up. Raises StepFailed if the cluster has no links."""

    def unlink(self, name: str) -> None:
        """Remove the link to a cluster."""


@dataclass(frozen=True)
class Quota:
    """How much an area may use, in CPUs and MiB of memory; None: as much as there is.

    promised: whether the cluster keeps it free for the area.
    """

    cpus: float | None = None
    mem: float | None = None
    promised: bool = False


@dataclass(frozen=True)
class AreaStatus:
    """An area of the cluster. used_cpus, used_mem: what its tasks have; None if the engine does not say."""

    name: str
    quota: Quota
    used_cpus: float | None
    used_mem: float | None


class Areas(Protocol):
    """Parts of a cluster whose apps share a quota."""

    def all(self) -> Mapping[str, AreaStatus]:
        """The areas by name."""

    def put(self, name: str, quota: Quota) -> None:
        """Create the area if it does not exist, and give it this quota."""

    def delete(self, name: str) -> None:
        """Delete the area, its quota and all its apps."""
