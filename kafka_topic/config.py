"""Settings of topics beside partitions and replicas: how long records are kept, compaction, and whose clock
dates a price.

`dcos kafka topic create` knows none of them, so they are set from inside the cluster, by `keep`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from kafka_topic.errors import PlanError

RETENTION, CLEANUP, DATED_BY = "retention.ms", "cleanup.policy", "message.timestamp.type"
RETENTION_BYTES, LARGEST_BATCH = "retention.bytes", "max.message.bytes"
LEAST_BATCH = 1_048_588
"""Kafka's own limit, in bytes. Producers fill their batches up to about that: with a lower one, those that
catch up after an outage are refused for good."""
COMPACTED = frozenset({"limits"})
"""The kinds of topics of which the last record of each key is kept for good."""
DATED_BY_BROKERS = frozenset({"prices"})
"""The kinds of topics whose records have the brokers' time: a producer whose clock is ahead would vouch for
its own ticks from the future."""
_FOR_EVER = -1


@dataclass(frozen=True)
class Difference:
    """One setting of a topic that isn't as wanted."""

    topic: str
    name: str
    current: str
    wanted: str

    @property
    def shortens(self) -> bool:
        """Whether what is wanted deletes records that would be kept as it is."""
        if self.name != RETENTION:
            return False
        current, wanted = int(self.current), int(self.wanted)
        return wanted != _FOR_EVER and (current == _FOR_EVER or wanted < current)

    @property
    def loses(self) -> bool:
        """Whether Kafka deletes, as it is, all records of a key but the newest."""
        return self.name == CLEANUP and self.wanted == "delete"

    @property
    def stays(self) -> bool:
        """Whether it is the owner's to change: what is wanted is less protection, of records or of disks."""
        return self.shortens or self.loses or self.name == RETENTION_BYTES


def config_of(kind: str | None, retention: Mapping[str, timedelta]) -> dict[str, str]:
    """The settings of a topic of this kind (`Topics.kind`), by Kafka's names."""
    if kind in COMPACTED:
        return {CLEANUP: "compact"}
    config = {}
    if kind in DATED_BY_BROKERS:
        config[DATED_BY] = "LogAppendTime"
    if kind is not None and kind in retention:
        config[RETENTION] = str(retention[kind] // timedelta(milliseconds=1))
    return config


def parse_retention(form: str) -> dict[str, timedelta]:
    """`prices=604800000,movingaverage=…`: milliseconds by kind of topic. Raises PlanError."""
    found = {}
    for part in filter(None, form.split(",")):
        kind, _, milliseconds = part.partition("=")
        if not milliseconds.isdecimal():
            raise PlanError(f"{part!r} is no retention; write it as in prices=604800000, in milliseconds")
        found[kind] = timedelta(milliseconds=int(milliseconds))
    return found


def differences(
    wanted: Mapping[str, Mapping[str, str]], current: Mapping[str, Mapping[str, str]]
) -> Iterator[Difference]:
    """Where the topics in both mappings differ, in the order of `wanted`.

    Besides what is wanted of a topic, records must not be lost to compaction, to a limit on the topic's size
    or to one on that of batches.
    """
    for topic, config in wanted.items():
        there = current.get(topic, {})
        for name, value in config.items():
            if name in there and there[name] != value:
                yield Difference(topic, name, there[name], value)
        if CLEANUP not in config and "compact" in there.get(CLEANUP, ""):
            yield Difference(topic, CLEANUP, there[CLEANUP], "delete")
        if RETENTION in config and int(there.get(RETENTION_BYTES, _FOR_EVER)) != _FOR_EVER:
            yield Difference(topic, RETENTION_BYTES, there[RETENTION_BYTES], str(_FOR_EVER))
        if int(there.get(LARGEST_BATCH, LEAST_BATCH)) < LEAST_BATCH:
            yield Difference(topic, LARGEST_BATCH, there[LARGEST_BATCH], str(LEAST_BATCH))
