"""The topics of a bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from kafka_topic.config import config_of
from kafka_topic.errors import PlanError
from kafka_topic.names import Topics, check_symbols


@dataclass(frozen=True)
class TopicSpec:
    """The wanted state of one topic.

    replication: copies of each partition. config: its settings, by Kafka's names; the brokers' defaults apply
    to others.
    """

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


def topic_plan(
    positions: Iterable[str],
    *,
    prefix: str = "",
    partitions: int = 1,
    replication: int = 1,
    retention: Mapping[str, timedelta] | None = None,
) -> list[TopicSpec]:
    """The topics of a bundle: one for each position, in their order, then `movingaverage`, `signals`,
    `dead_letter` and `limits`.

    All ticks of a position have one key, so more partitions do not make a position faster. retention: by kind
    of topic (`Topics.kind`); the brokers' default applies to other kinds. Raises SymbolError for a symbol
    that can't be in a topic name or collides with another, PlanError for a number below 1 or without
    positions.
    """
    for name, number in (("partitions", partitions), ("replication", replication)):
        if number < 1:
            raise PlanError(f"{name} is {number}; a topic needs at least 1")
    symbols = check_symbols(positions)
    if not symbols:
        raise PlanError("no positions: name at least one symbol")
    topics = Topics(prefix)
    names = [topics.position(symbol) for symbol in symbols]
    names += [topics.moving_average, topics.signals, topics.dead_letter, topics.limits]
    return [
        TopicSpec(name, partitions, replication, config_of(topics.kind(name), retention or {}))
        for name in names
    ]
