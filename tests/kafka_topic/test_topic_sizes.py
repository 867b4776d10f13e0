"""Sizes of topics from a few of their records, also where none comes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import TopicPartition

from kafka_topic.brokers import Brokers, Span
from kafka_topic.browsing import TopicInfo
from kafka_topic.errors import BrokerUnreachableError
from kafka_topic.topic_sizes import SAMPLED, estimate, estimates

BROKERS = cast("Brokers", SimpleNamespace(bootstrap_servers="127.0.0.1:1"))


class Consumer:
    """Answers with these messages, one call after the other, then with none."""

    def __init__(self, *answers: list[Any]) -> None:
        self._answers = list(answers)
        self.assigned: list[TopicPartition] = []
        self.asked, self.closed = 0, False

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = partitions

    def consume(self, count: int, timeout: float) -> list[Any]:
        self.asked += 1
        return self._answers.pop(0) if self._answers else []

    def close(self) -> None:
        self.closed = True


def message(topic: str, offset: int, value: bytes | None = None, error: object = None) -> Any:
    parts = {"topic": topic, "offset": offset, "key": b"key", "value": value, "error": error}
    return SimpleNamespace(**{name: lambda part=part: part for name, part in parts.items()})


def found(consumer: Consumer, seconds: float, monkeypatch: pytest.MonkeyPatch, **spans: Any) -> Any:
    monkeypatch.setattr("kafka_topic.topic_sizes.open_consumer", lambda *_, **__: consumer)
    topics = [
        TopicInfo(name, {number: Span(*span) for number, span in enumerate(each)}, {})
        for name, each in spans.items()
    ]
    sizes = estimates(BROKERS, topics, seconds=seconds)
    assert consumer.closed
    return sizes


def test_the_mean_of_the_last_records_counts_for_every_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer([message("a", 998, b"12345"), message("b", 1, None)], [message("a", 999, b"1")])
    sizes = found(consumer, 60, monkeypatch, a=[(0, 10), (100, 1000)], b=[(0, 2)], empty=[(7, 7)], gone=[])
    assert sizes == {"a": 910 * 6, "b": 2 * 3, "empty": 0, "gone": 0}
    starts = {(each.topic, each.partition): each.offset for each in consumer.assigned}
    assert starts == {("a", 1): 1000 - SAMPLED, ("b", 0): 0}
    assert consumer.asked == 2, "it goes on once each topic has reached its end"


def test_a_topic_that_ends_in_markers_or_refuses_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer([message("a", 4, error="the end"), message("b", 0, error="not allowed")])
    assert found(consumer, 60, monkeypatch, a=[(0, 5)], b=[(0, 5)]) == {"a": None, "b": None}


def test_a_topic_that_does_not_answer_in_time_has_no_size(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer([message("a", 4, b"1234567")])
    assert found(consumer, 0.2, monkeypatch, a=[(0, 5)], b=[(0, 5)]) == {"a": 50, "b": None}


def test_a_topic_without_a_partition_that_answers_is_not_empty() -> None:
    assert estimate(TopicInfo("a", {}, {}, {0: BrokerUnreachableError("away")}), []) is None
