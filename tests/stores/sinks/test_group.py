"""What a group's commits say about the end of a job."""

from __future__ import annotations

import json

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_topic.brokers import Commit
from stores.sinks.errors import SourceError
from stores.sinks.group import Group
from stores.sinks.portions import Portion, Reading

PARTITION = ("prices", 0)


class OneTopic:
    """Brokers with one topic, and what the group has committed for it."""

    def __init__(self, commits: dict[tuple[str, int], Commit]) -> None:
        self.commits = commits

    def ids(self, topics):
        return dict.fromkeys(topics, "new")

    def earliest(self, partitions):
        return {(each.topic, each.partition): 0 for each in partitions}

    def committed(self, group, partitions):
        return self.commits


@pytest.mark.parametrize(
    ("commits", "reached"),
    [
        ({}, False),
        ({PARTITION: Commit(100, json.dumps({"id": "a", "topic": "new"}))}, True),
        ({PARTITION: Commit(99, json.dumps({"id": "a", "topic": "new"}))}, False),
        # It belongs to a topic of the same name that was deleted, and nothing of this one is written.
        ({PARTITION: Commit(5000, json.dumps({"id": "a", "topic": "old"}))}, False),
    ],
)
def test_a_job_without_partitions_ends_only_when_others_have_written_this_topic(
    commits: dict[tuple[str, int], Commit], reached: bool
) -> None:
    group = Group("127.0.0.1:1", "sink", ["prices"])
    group._brokers = OneTopic(commits)  # type: ignore[assignment]
    assert group.reached({PARTITION: 100}) is reached


def test_a_refused_login_is_a_better_reason_than_that_no_broker_answers() -> None:
    group = Group("127.0.0.1:1", "sink", ["prices"])
    down, login = KafkaError(KafkaError._ALL_BROKERS_DOWN), KafkaError(KafkaError._AUTHENTICATION)
    group._note_error(KafkaError(KafkaError._TRANSPORT))
    assert group.problem is None
    group._note_error(down)
    assert (group.problem or "").startswith("no broker answers: ")
    for error in (login, down):
        group._note_error(error)
        assert "refuses the login of the user" in (group.problem or "")
    denied = group._failure("reading prices", KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
    assert "does not allow this" in str(denied) and "`pipectl deploy` gives" in str(denied)


class Lost:
    """A consumer whose group's coordinator is away."""

    def commit(self, **options: object) -> None:
        raise KafkaException(KafkaError(KafkaError._WAIT_COORD))


def test_a_commit_that_does_not_succeed_in_time_ends_the_sink() -> None:
    group = Group("127.0.0.1:1", "sink", ["prices"])
    group._consumer = Lost()  # type: ignore[assignment]
    group._readings[PARTITION] = Reading.at(PARTITION, "new", 7)
    with pytest.raises(SourceError, match="committing to sink failed"):
        group.commit(Portion(PARTITION, "a", "new", 7, 8, []), 0.0)
