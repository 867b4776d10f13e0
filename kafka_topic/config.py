"""The settings of topics beside partitions and replicas: retention, compaction, and who timestamps a record.

`dcos kafka topic create` can set none of them, so `reconcile` sets them from inside the cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from kafka_topic.errors import PlanError

RETENTION, CLEANUP, TIMESTAMP_TYPE = "retention.ms", "cleanup.policy", "message.timestamp.type"
RETENTION_BYTES, LARGEST_BATCH = "retention.bytes", "max.message.bytes"
SEGMENT = "segment.ms"
"""Kafka deletes a segment of a log once its newest record is past the retention. So a topic that is always
written to keeps a record for as long as its retention and a segment together."""
_LONGEST_SEGMENT = 7 * 24 * 3_600_000
"""Kafka's own length, in ms."""
LEAST_BATCH = 1_048_588
"""Kafka's own limit, in bytes. Producers fill their batches up to it. A topic with a lower limit refuses the
batches of a producer that catches up after an outage, for good."""
COMPACTED = frozenset({"limits"})
"""The kinds of topics that keep the last record of each key for good."""
BROKER_TIMESTAMPED = frozenset({"prices"})
"""The kinds of topics whose records are timestamped by the brokers. Otherwise a producer whose clock is ahead
could validate its own future timestamps."""
_FOR_EVER = -1
_MILLISECONDS = re.compile(r"[0-9]{1,16}")


@dataclass(frozen=True)
class Difference:
    """One setting of a topic that is not as wanted."""

    topic: str
    name: str
    current: str
    wanted: str

    @property
    def shortens(self) -> bool:
        """Whether the change deletes records that the topic would keep."""
        if self.name not in (RETENTION, SEGMENT):
            return False
        current, wanted = int(self.current), int(self.wanted)
        return wanted != _FOR_EVER and (current == _FOR_EVER or wanted < current)

    @property
    def loses(self) -> bool:
        """Whether Kafka, without the change, deletes all records of a key but the newest."""
        return self.name == CLEANUP and self.wanted == "delete"

    @property
    def stays(self) -> bool:
        """Whether only the owner may change it, because the change protects records or disks less."""
        return self.shortens or self.loses or self.name == RETENTION_BYTES


def config_of(kind: str | None, retention: Mapping[str, timedelta]) -> dict[str, str]:
    """The settings of a topic of this kind (`Topics.kind`), by Kafka's names."""
    if kind in COMPACTED:
        return {CLEANUP: "compact"}
    config = {}
    if kind in BROKER_TIMESTAMPED:
        config[TIMESTAMP_TYPE] = "LogAppendTime"
    if kind is not None and kind in retention:
        config[RETENTION] = str(retention[kind] // timedelta(milliseconds=1))
    return config


def parse_retention(form: str) -> dict[str, timedelta]:
    """`prices=604800000,movingaverage=…`: milliseconds by kind of topic. Raises PlanError."""
    found = {}
    for part in filter(None, form.split(",")):
        kind, _, milliseconds = part.partition("=")
        if _MILLISECONDS.fullmatch(milliseconds) is None:
            raise PlanError(f"{part!r} is not a retention; write prices=604800000, in milliseconds")
        found[kind] = timedelta(milliseconds=int(milliseconds))
    return found


def divided(
    found: Sequence[Difference], *, allow_decrease: bool
) -> tuple[list[Difference], list[Difference]]:
    """The differences to change, and those to leave.

    allow_decrease: whether a retention may become shorter. Where it may not, its segments are no difference.
    """
    left = [each for each in found if each.stays and not (each.shortens and allow_decrease)]
    changes = [each for each in found if each not in left]
    longer = {each.topic for each in left if each.name == RETENTION}
    return changes, [each for each in left if each.name != SEGMENT or each.topic not in longer]


def differences(
    wanted: Mapping[str, Mapping[str, str]], current: Mapping[str, Mapping[str, str]]
) -> Iterator[Difference]:
    """How topics that are in both mappings differ, in the order of `wanted`.

    Settings that lose records differ too: compaction, a limit on the topic's size, and one on batches. So
    do segments that last longer than the retention, and those that were lowered with a shorter one.
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
        if (segment := _better_segment(config, there)) is not None:
            yield Difference(topic, SEGMENT, there[SEGMENT], str(segment))
        if int(there.get(LARGEST_BATCH, LEAST_BATCH)) < LEAST_BATCH:
            yield Difference(topic, LARGEST_BATCH, there[LARGEST_BATCH], str(LEAST_BATCH))


def _better_segment(config: Mapping[str, str], there: Mapping[str, str]) -> int | None:
    """How long segments should last, in ms, for the wanted retention; None: as long as they do."""
    if RETENTION not in config or SEGMENT not in there:
        return None
    retention, segment = int(config[RETENTION]), int(there[SEGMENT])
    if 0 < retention < segment:
        return retention
    longest = _LONGEST_SEGMENT if retention == _FOR_EVER else min(retention, _LONGEST_SEGMENT)
    # They were lowered with a shorter retention. Small segments of a long one would exhaust the files that
    # the broker may open.
    lowered = there[SEGMENT] == there.get(RETENTION)
    return longest if lowered and segment < longest else None
