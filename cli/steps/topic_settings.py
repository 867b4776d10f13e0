"""Compares the configuration of topics on the brokers with the wanted one.

It only reads. The gatherer makes the changes, inside the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cli.errors import PipectlError
from kafka_topic.config import (
    RETENTION,
    RETENTION_BYTES,
    SEGMENT,
    TIMESTAMP_TYPE,
    Difference,
    differences,
    divided,
)
from kafka_topic.errors import BrokerUnreachableError, KafkaTopicError
from kafka_topic.plan import TopicSpec
from kafka_topic.reachable import why_unreachable
from marathon.durations import format_duration

if TYPE_CHECKING:
    from kafka_topic.brokers import Brokers, Layout

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
_NAMES = {RETENTION: "retention", TIMESTAMP_TYPE: "timestamps by", SEGMENT: "segments of"}
_MIN_IN_SYNC = "min.insync.replicas"
_CONSEQUENCES = {
    RETENTION: "`topics.allow_retention_decrease: true` lowers it, which deletes records",
    SEGMENT: "records stay for up to that long beyond the retention; "
    "`topics.allow_retention_decrease: true` lowers it",
    RETENTION_BYTES: "Kafka deletes the oldest records beyond that size, however recent",
    _MIN_IN_SYNC: "Kafka rejects writes with fewer in-sync replicas",
}
_TIMESTAMPED_BY = {"LogAppendTime": "brokers", "CreateTime": "producers"}


@dataclass(frozen=True)
class Comparison:
    """The differences that will be changed, those that stay, and the error if nothing could be read.

    layout: of the brokers that were asked; None if they were not.
    """

    pending: Sequence[Difference] = ()
    kept: Sequence[Difference] = ()
    layout: Layout | None = None
    unread: str | None = None

    @property
    def diff(self) -> list[str]:
        """The lines of a diff."""
        return [
            line
            for each in self.pending
            for line in (
                f"-{each.topic} {in_words(each.name, each.current)}",
                f"+{each.topic} {in_words(each.name, each.wanted)}",
            )
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of a plan."""
        if self.unread:
            return (f"cannot read the topics' settings from here: {self.unread}",)
        pending = ("the gatherer changes the settings within a minute",) if self.pending else ()
        kept = (
            f"{each.topic} has {in_words(each.name, each.current)}, wanted {_value(each.name, each.wanted)}: "
            f"not changed; {_CONSEQUENCES[each.name]}"
            for each in self.kept
            if not each.loses
        )
        return (*pending, *kept)

    def refuse_losses(self) -> None:
        """Raise PipectlError for topics that would lose records."""
        if lost := [each for each in self.kept if each.loses]:
            topics, current = ", ".join(each.topic for each in lost), lost[0].current
            raise PipectlError(
                f"{topics}: cleanup.policy is {current}, wanted delete: compaction keeps only the newest "
                "record of each symbol and loses unread records",
                hint=f"set cleanup.policy=delete on {lost[0].topic} with Kafka's own tools, or deploy with "
                "another `topics.prefix`",
            )

    @property
    def summary(self) -> str:
        """The first difference in a few words; empty if there is none."""
        if self.unread:
            return "cannot read the topics' settings from here"
        found = [*self.pending, *self.kept]
        more = f"; {len(found) - 1} more" if found[1:] else ""
        return "".join(
            f"{each.topic} has {in_words(each.name, each.current)}, wanted "
            f"{_value(each.name, each.wanted)}{more}"
            for each in found[:1]
        )


class TopicSettings:
    """Compares topics with their specs on the brokers at `bootstrap_servers`.

    allow_retention_decrease: whether a retention may become lower.
    """

    def __init__(self, bootstrap_servers: str, *, allow_retention_decrease: bool) -> None:
        self._servers = bootstrap_servers
        self._allow_decrease = allow_retention_decrease

    def compare(self, specs: Sequence[TopicSpec]) -> Comparison:
        """The differences of existing topics."""
        if not specs:
            return Comparison()
        wanted = {spec.name: spec.config for spec in specs}
        try:
            brokers = self._brokers()
            layout = brokers.layout()
            current = brokers.configs(topic for topic in wanted if topic in layout.topics)
        except KafkaTopicError as error:
            return Comparison(unread=str(error))
        found = list(differences(wanted, current))
        pending, kept = divided(found, allow_decrease=self._allow_decrease)
        return Comparison(pending, [*kept, *_too_few_replicas(specs, current)], layout)

    def _brokers(self) -> Brokers:
        if reason := why_unreachable(self._servers, timeout=CONNECT_SECONDS):
            raise BrokerUnreachableError(reason)
        from kafka_topic.brokers import Brokers

        return Brokers(self._servers, timeout=ANSWER_SECONDS)


def _too_few_replicas(
    specs: Sequence[TopicSpec], current: Mapping[str, Mapping[str, str]]
) -> Iterator[Difference]:
    for spec in specs:
        least = current.get(spec.name, {}).get(_MIN_IN_SYNC, "1")
        if int(least) > spec.replication:
            yield Difference(spec.name, _MIN_IN_SYNC, least, str(spec.replication))


def in_words(name: str, value: str) -> str:
    """A setting for people: `retention 7d`."""
    return f"{_NAMES.get(name, name)} {_value(name, value)}"


def config_in_words(config: Mapping[str, str]) -> str:
    """Settings for people, each after a comma."""
    return "".join(f", {in_words(name, value)}" for name, value in config.items())


def _value(name: str, value: str) -> str:
    if name == TIMESTAMP_TYPE:
        return _TIMESTAMPED_BY.get(value, value)
    if name not in (RETENTION, SEGMENT):
        return value
    return "for ever" if int(value) < 0 else format_duration(timedelta(milliseconds=int(value)))
