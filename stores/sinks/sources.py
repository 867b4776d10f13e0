"""What a sink can read: the topics of each source, and the flow that its records become."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kafka_topic.names import Topics
from stores.records import KINDS, Kind
from stores.tables import Flow

TICKS = "ticks"
"""The source of the prices of all positions."""
_KINDS = {
    "movingaverage": "movingaverage",
    "signals": "signals",
    TICKS: "prices",
    "prices": "prices",
    "replay": "prices",
    "random-numbers": "measurements",
    "monitoring": "measurements",
}
SOURCES = tuple(_KINDS)


@dataclass(frozen=True)
class Source:
    """name: one of SOURCES, also the name of the flow. topics: with the prefix."""

    name: str
    kind: Kind
    topics: tuple[str, ...]

    @property
    def flow(self) -> Flow:
        """The flow in a store."""
        return Flow(self.name, self.kind.table)


def sources_of(names: Iterable[str], topics: Topics, positions: Sequence[str]) -> list[Source]:
    """The sources with these names. Raises ValueError for an unknown one."""
    return [_source(name, topics, positions) for name in names]


def _source(name: str, topics: Topics, positions: Sequence[str]) -> Source:
    if name not in _KINDS:
        raise ValueError(f"no source {name!r}; there are {', '.join(SOURCES)}")
    read = tuple(map(topics.position, positions)) if name == TICKS else (f"{topics.prefix}{name}",)
    return Source(name, KINDS[_KINDS[name]], read)
