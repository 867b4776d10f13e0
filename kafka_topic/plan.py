"""Which topics a bundle needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kafka_topic.errors import PlanError
from kafka_topic.names import Topics, check_symbols


@dataclass(frozen=True)
class TopicSpec:
    """One topic as it should be; `replication` is the number of copies of each partition, `config` holds
    Kafka's settings of the topic where they differ from the broker's.
    """

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


def topic_plan(
    positions: Iterable[str], *, prefix: str = "", partitions: int = 1, replication: int = 1
) -> list[TopicSpec]:
    """The topics of a bundle: one per position in the order given, then `movingaverage`, `signals`,
    `dead_letter` and `limits`.

    A position's ticks share one key and so one partition; more partitions don't make one position faster.
    Raises SymbolError for a symbol that can't be a topic or collides with another, PlanError for numbers
    below one or no position at all.
    """
    for name, number in (("partitions", partitions), ("replication", replication)):
        if number < 1:
            raise PlanError(f"{name} is {number}; a topic needs at least 1")
    symbols = check_symbols(positions)
    if not symbols:
        raise PlanError("no positions: name at least one symbol")
    topics = Topics(prefix)
    names = [topics.position(symbol) for symbol in symbols]
    names += [topics.moving_average, topics.signals, topics.dead_letter]
    return [
        *(TopicSpec(name, partitions, replication) for name in names),
        TopicSpec(topics.limits, partitions, replication, {"cleanup.policy": "compact"}),
    ]
