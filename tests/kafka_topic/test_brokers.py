"""Queries to brokers that do not yet know all leaders."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from kafka_topic.brokers import Brokers
from kafka_topic.errors import KafkaTopicError


class Answers:
    """An admin client whose first answers are errors of these codes. Later ones are offset 7."""

    def __init__(self, *codes: int) -> None:
        self._codes = list(codes)

    def list_offsets(self, asked: Any, **_: Any) -> dict[Any, Future[Any]]:
        code = self._codes.pop(0) if self._codes else None
        answers: dict[Any, Future[Any]] = {partition: Future() for partition in asked}
        for future in answers.values():
            if code is None:
                future.set_result(type("Offset", (), {"offset": 7}))
            else:
                future.set_exception(KafkaException(KafkaError(code)))
        return answers


@pytest.mark.parametrize(
    "code", [KafkaError._NOENT, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.NOT_LEADER_FOR_PARTITION]
)
def test_leaders_that_are_not_known_yet_are_waited_for(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    brokers = Brokers("127.0.0.1:1", timeout=20)
    monkeypatch.setattr(brokers, "_admin", Answers(code, code))
    partition = TopicPartition("position.AAPL", 0)
    assert brokers.latest([partition]) == {("position.AAPL", 0): 7}


def test_brokers_that_name_no_leader_are_said_to_be_starting_or_overloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brokers = Brokers("127.0.0.1:1", timeout=0)
    monkeypatch.setattr(brokers, "_admin", Answers(KafkaError._NOENT))
    with pytest.raises(KafkaTopicError, match=r"named no leader .* starting, down or overloaded"):
        brokers.latest([TopicPartition("position.AAPL", 0)])
