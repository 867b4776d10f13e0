"""The protocol of what surrounds the bundle on an engine: the clusters that its client knows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


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
