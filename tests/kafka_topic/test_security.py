"""What a program says when Kafka does not let it in; each user's rights. Against a real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import NewTopic

from kafka_topic.access import AccessRules, Right, _binding, rights_of
from kafka_topic.brokers import Brokers
from kafka_topic.connection import open_admin, open_producer
from kafka_topic.consumer import PriceConsumer
from kafka_topic.errors import AccessDeniedError, KafkaTopicError
from kafka_topic.limits import LimitsStore
from kafka_topic.names import Topics
from kafka_topic.status import position_status
from tests.gatherer.flink import wait_until
from tests.secured_kafka import SecuredKafka, logged_in

pytestmark = pytest.mark.slow

TOPICS = Topics("secured.")
JOB = "secured.gatherer"
NAMES = (
    TOPICS.position("AAPL"),
    TOPICS.moving_average,
    TOPICS.signals,
    TOPICS.dead_letter,
    TOPICS.limits,
    "secured.prices",
)
RIGHTS = rights_of(
    TOPICS, job=JOB, inputs=[], job_topics=["secured.prices"], sinks="secured.sink-to-", shared=False
)
SECONDS = 10.0
RULE_SECONDS = 240.0
"""Brokers take up to a second to show a rule."""


def running(folder: Path, protocol: str) -> Iterator[SecuredKafka]:
    kafka = SecuredKafka(folder, protocol)
    try:
        kafka.start()
        with kafka.as_user("pipectl"):
            admin = open_admin(kafka.bootstrap_servers)
            for future in admin.create_topics([NewTopic(name, 1, 1) for name in NAMES]).values():
                future.result(SECONDS)
            rules = AccessRules(kafka.bootstrap_servers, timeout=SECONDS, bundle="secured.")
            assert rules.missing(RIGHTS) == RIGHTS
            rules.allow(RIGHTS)
            wait_until(lambda: not rules.missing(RIGHTS), lambda: f"{rules.missing(RIGHTS)}", RULE_SECONDS)
            assert rules.surplus(RIGHTS) == rules.unwanted(RIGHTS) == []
        yield kafka
    finally:
        kafka.stop()


@pytest.fixture(scope="module")
def sasl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    yield from running(tmp_path_factory.mktemp("sasl"), "SASL_SSL")


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    yield from running(tmp_path_factory.mktemp("mutual"), "SSL")


def refused(kafka: SecuredKafka) -> str:
    """What a client is told that may not even list topics."""
    with pytest.raises(AccessDeniedError) as caught:
        Brokers(kafka.bootstrap_servers, timeout=2).names()
    return str(caught.value)


def until(condition: Callable[[], bool]) -> None:
    wait_until(condition, "the brokers show the rules", RULE_SECONDS)


def write(servers: str, topic: str) -> KafkaError | None:
    """Write a record; returns the error of its delivery."""
    errors: list[KafkaError | None] = []
    producer: Producer = open_producer(servers, message_timeout_ms=8000)
    producer.produce(topic, b"{}", on_delivery=lambda error, _: errors.append(error))
    assert producer.flush(SECONDS) == 0
    return errors[0]


def test_plaintext_is_refused_with_the_setting_to_change(sasl: SecuredKafka) -> None:
    with logged_in({}):
        said = refused(sasl)
    assert "takes TLS only" in said
    assert "`kafka.security.protocol`" in said


@pytest.mark.parametrize("changes", [{"KAFKA_PASSWORD": "wrong"}, {"KAFKA_USER": "nobody"}])
def test_a_wrong_login_is_refused(sasl: SecuredKafka, changes: dict[str, str]) -> None:
    with sasl.as_user("generator", **changes):
        said = refused(sasl)
    assert f"refuses the login of the user {changes.get('KAFKA_USER', 'generator')}" in said
    assert "wrong" not in said.replace("the password is wrong", "")  # the password itself


def test_a_foreign_authority_is_not_accepted(sasl: SecuredKafka, mutual: SecuredKafka) -> None:
    with sasl.as_user("generator", KAFKA_CA=mutual.authority.certificate):
        assert "does not accept the certificate of the broker" in refused(sasl)


def test_an_expired_or_foreign_key_is_refused(sasl: SecuredKafka, mutual: SecuredKafka) -> None:
    with mutual.as_user("generator", KAFKA_KEY=mutual.expired_key("generator")):
        said = refused(mutual)
    assert "does not accept this client's certificate" in said
    with mutual.as_user("generator", KAFKA_KEY=sasl.authority.issue("generator")):
        assert "does not accept this client's certificate" in refused(mutual)


@pytest.mark.parametrize("protocol", ["sasl", "mutual"])
def test_the_generator_writes_prices_only(protocol: str, request: pytest.FixtureRequest) -> None:
    kafka: SecuredKafka = request.getfixturevalue(protocol)
    servers = kafka.bootstrap_servers
    with kafka.as_user("generator"):
        assert Brokers(servers, timeout=SECONDS).names() == [TOPICS.position("AAPL")]
        assert write(servers, TOPICS.position("AAPL")) is None
        for topic in (TOPICS.moving_average, TOPICS.limits, "secured.prices"):
            error = write(servers, topic)
            assert error is not None
            assert error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError._UNKNOWN_TOPIC)
        with (
            PriceConsumer(servers, prefix="secured.", start="beginning", timeout=SECONDS) as prices,
            pytest.raises(KafkaTopicError, match=r"[Aa]uthorization"),
        ):
            next(prices)
        # It cannot give itself more rights.
        more = Right("generator", "READ", "TOPIC", TOPICS.limits)
        with suppress(AccessDeniedError):
            AccessRules(servers, timeout=SECONDS).allow([more])
    with kafka.as_user("pipectl"):
        assert AccessRules(servers, timeout=SECONDS).missing([more]) == [more]


def test_the_page_reads_and_writes_limits_only(sasl: SecuredKafka) -> None:
    servers = sasl.bootstrap_servers
    with sasl.as_user("dashboard"):
        (status,) = position_status(servers, ["AAPL"], prefix="secured.", group=JOB, timeout=SECONDS)
        assert status.problem is None
        store = LimitsStore(servers, prefix="secured.")
        assert [limits.buy for limits in store.set(["AAPL"], {"buy": 95.0})] == [95.0]
        for topic in (TOPICS.position("AAPL"), TOPICS.moving_average):
            error = write(servers, topic)
            assert error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_bundle_takes_back_only_what_it_has_given_and_nobody_else_needs(sasl: SecuredKafka) -> None:
    servers = sasl.bootstrap_servers
    only, shared, foreign, by_hand = (
        Right("gatherer", "READ", "TOPIC", name, prefix=name == "shared")
        for name in ("only", "shared", "foreign", "by-hand")
    )
    with sasl.as_user("pipectl"):
        one, other, nobody = (
            AccessRules(servers, timeout=SECONDS, bundle=prefix) for prefix in ("secured.", "other.", "")
        )
        one.allow([only, shared])
        other.allow([shared, foreign])
        nobody._finish(nobody._admin.create_acls([_binding(by_hand)]))
        # Another bundle's rule counts as missing until it has our mark, too.
        until(lambda: one.missing([only, shared, foreign, by_hand]) == [foreign])
        until(lambda: one.unwanted(RIGHTS) == [only, shared])
        assert nobody.unwanted(RIGHTS) == []
        assert one.surplus(RIGHTS) == [by_hand]
        one.withdraw(one.unwanted(RIGHTS))
        until(lambda: one.missing([only, shared, foreign, by_hand]) == [only, shared, foreign])
        assert one.unwanted(RIGHTS) == []
        assert other.unwanted([]) == [foreign, shared]
        other.withdraw([foreign, shared])
        until(lambda: one.missing([shared, foreign, by_hand]) == [shared, foreign])
        assert one.missing(RIGHTS) == []


def test_no_secret_is_in_the_brokers_log(sasl: SecuredKafka, mutual: SecuredKafka) -> None:
    for password in sasl.passwords.values():
        assert password not in sasl.said()
    for kafka in (sasl, mutual):
        assert "PRIVATE KEY" not in kafka.said()
