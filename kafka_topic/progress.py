"""How far the gatherer has read the topics of each position, and what keeps it from reading on."""

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
    """lag: records written after what the group has committed, None when unknown. problem: the worst trouble
    of the topics and their partitions, None without any.
    """

    lag: int | None
    problem: Trouble | None


def progress(brokers: Brokers, topics: Mapping[str, Collection[str]], group: str) -> dict[str, Progress]:
    """The progress of each position. topics: those that feed each position; several may share one.

    What is wrong with one topic or partition shows in the positions that it feeds, and in no other. Raises
    KafkaTopicError when the brokers, or the group's coordinator, can't be asked at all.
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
    """What the gatherer says of a topic's partitions, and what is seen from here."""
    if leaders is None:
        yield Trouble("gone", topic)
        return
    for number, leader in leaders.items():
        partition = topic, number
        # First, as it tells more than what is seen from here.
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
    # A partition without a commit has not been read at all.
    nexts = {each: commits[each].offset if each in commits else spans[each].begin for each in partitions}
    return sum(max(0, spans[each].end - nexts[each]) for each in partitions)
