"""How far the gatherer has read the topics of each position, and what stops it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka import TopicPartition

from kafka_topic.brokers import Brokers, Commit, Span
from kafka_topic.errors import KafkaTopicError
from kafka_topic.trouble import Trouble, read_trouble, worst

Partition = tuple[str, int]


@dataclass(frozen=True)
class Progress:
    """lag: records that the group has not committed, None when unknown. problem: the worst trouble of the
    topics and their partitions, None without one.
    """

    lag: int | None
    problem: Trouble | None


def progress(brokers: Brokers, topics: Mapping[str, Collection[str]], group: str) -> dict[str, Progress]:
    """The progress of each position. topics: those that feed each position; positions may share a topic.

    The trouble of a topic or partition shows in the positions that it feeds, and in no other. Raises
    KafkaTopicError when neither the brokers nor the group's coordinator answer.
    """
    names = {name for several in topics.values() for name in several}
    leaders = brokers.leaders(names)
    there = [TopicPartition(name, number) for name, led in leaders.items() for number in led]
    commits = brokers.committed(group, there) if there else {}
    spans, errors = brokers.spans(each for each in there if leaders[each.topic][each.partition] is not None)
    troubles = {name: [*_troubles(name, leaders.get(name), commits, errors)] for name in names}
    return {
        symbol: Progress(
            _lag([(name, number) for name in several for number in leaders.get(name, ())], commits, spans),
            worst(trouble for name in several for trouble in troubles[name]),
        )
        for symbol, several in topics.items()
    }


def _troubles(
    topic: str,
    leaders: Mapping[int, int | None] | None,
    commits: Mapping[Partition, Commit],
    errors: Mapping[Partition, KafkaTopicError],
) -> Iterator[Trouble]:
    """The troubles of a topic's partitions: those that the gatherer reports, and those seen from here."""
    if leaders is None:
        yield Trouble("gone", topic)
        return
    for number, leader in leaders.items():
        partition = topic, number
        # The gatherer's report says more than what is seen from here, so it comes first.
        if partition in commits and (reported := read_trouble(commits[partition].metadata, topic, number)):
            yield reported
        if leader is None:
            yield Trouble("leaderless", topic, number)
        elif partition in errors:
            yield Trouble("unreadable", topic, number, str(errors[partition]))


def _lag(
    partitions: list[Partition], commits: Mapping[Partition, Commit], spans: Mapping[Partition, Span]
) -> int | None:
    if not any(each in commits for each in partitions) or not all(each in spans for each in partitions):
        return None
    # Nothing of a partition without a commit has been read.
    nexts = {each: commits[each].offset if each in commits else spans[each].begin for each in partitions}
    return sum(max(0, spans[each].end - nexts[each]) for each in partitions)
