"""Which topics a bundle needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from kafka_topic.config import config_of
from kafka_topic.errors import PlanError
from kafka_topic.names import Topics, check_symbols


@dataclass(frozen=True)
class TopicSpec:
    """One topic as it should be.

    replication: copies of each partition. config: its settings by Kafka's names; those left out are the
    brokers'.
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
    """The topics of a bundle: one per position in the order given, then `movingaverage`, `signals`,
    `dead_letter` and `limits`.

    A position's ticks share one key and so one partition; more partitions don't make one position faster.
    `retention`: how long records are kept, by kind of topic (`Topics.kind`); a kind left out is the brokers'.
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
    names += [topics.moving_average, topics.signals, topics.dead_letter, topics.limits]
    return [
        TopicSpec(name, partitions, replication, config_of(topics.kind(name), retention or {}))
        for name in names
    ]
