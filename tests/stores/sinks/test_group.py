"""What a group's commits say about the end of a job."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from kafka_topic.brokers import Commit
from stores.sinks.errors import SourceError
from stores.sinks.group import Group
from stores.sinks.portions import Portion, Reading
from tests.stores.sinks.test_sink import Bundle

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


class Silent:
    """A consumer that gets no answer. It has no `close`, which would wait as well."""

    def __init__(self) -> None:
        self.end = threading.Event()

    def commit(self, **options: object) -> None:
        self.end.wait(30)


def test_a_commit_without_an_answer_ends_the_sink() -> None:
    group, silent = Group("127.0.0.1:1", "sink", ["prices"]), Silent()
    group._consumer = silent  # type: ignore[assignment]
    group._readings[PARTITION] = Reading.at(PARTITION, "new", 7)
    try:
        with pytest.raises(SourceError, match="no answer from Kafka"):
            group.commit(Portion(PARTITION, "a", "new", 7, 8, []), 0.0)
        group.__exit__(None, None, None)
    finally:
        silent.end.set()


@pytest.mark.slow
def test_a_commit_to_a_frozen_broker_ends_the_sink(kafka: Any) -> None:
    bundle = Bundle(kafka)
    bundle.write(20)
    deadline = time.monotonic() + 240
    portions: list[Portion] = []
    with Group(kafka.bootstrap_servers, bundle.topic, [bundle.topic]) as group:
        while not portions:
            assert time.monotonic() < deadline, "waited for records"
            portions = group.read(5, 1.0)
        kafka.freeze()
        try:
            with pytest.raises(SourceError, match="no answer from Kafka"):
                group.commit(portions[0], 1.0)
        finally:
            kafka.kill()
            kafka.start()


@pytest.mark.slow
def test_a_member_that_ends_as_it_gets_partitions_asks_for_nothing_more(kafka: Any) -> None:
    bundle, deadline = Bundle(kafka), time.monotonic() + 240
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    with Group(kafka.bootstrap_servers, bundle.topic, [bundle.topic]):
        # It joins by itself. What it is assigned, it would notice when it reads.
        while not _is_stable(admin, bundle.topic):
            assert time.monotonic() < deadline, "waited for the group to have assigned all partitions"
            time.sleep(0.1)


def _is_stable(admin: AdminClient, name: str) -> bool:
    try:
        found = admin.describe_consumer_groups([name], request_timeout=30)[name].result(60)
    except KafkaException:  # the broker is only just making the topic of the groups
        return False
    return bool(found.state == ConsumerGroupState.STABLE and found.members)
