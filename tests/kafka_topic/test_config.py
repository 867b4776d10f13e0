"""How topics are set beside partitions and replicas: what is wanted, what differs, what shortens."""

from dataclasses import replace
from datetime import timedelta

import pytest

from kafka_topic.brokers import Brokers
from kafka_topic.config import Difference, config_of, differences, divided, parse_retention
from kafka_topic.errors import BrokerUnreachableError, KafkaTopicError, PlanError
from kafka_topic.names import Topics
from kafka_topic.plan import topic_plan
from kafka_topic.reconcile import TopicReconciler, reconcile

DAY = 86_400_000


def retention(topic: str, current: int, wanted: int) -> Difference:
    return Difference(topic, "retention.ms", str(current), str(wanted))


def dated(topic: str) -> Difference:
    return Difference(topic, "message.timestamp.type", "CreateTime", "LogAppendTime")


def test_a_plan_says_how_long_each_kind_of_topic_keeps_its_records():
    kept = {"prices": timedelta(days=7), "signals": timedelta(days=30)}
    specs = topic_plan(["A", "B"], prefix="x.", retention=kept)
    assert {spec.name: spec.config for spec in specs if spec.config} == {
        "x.position.A": {"message.timestamp.type": "LogAppendTime", "retention.ms": "604800000"},
        "x.position.B": {"message.timestamp.type": "LogAppendTime", "retention.ms": "604800000"},
        "x.signals": {"retention.ms": "2592000000"},
        "x.limits": {"cleanup.policy": "compact"},
    }


def test_limits_are_compacted_whatever_the_retention():
    assert config_of("limits", {"limits": timedelta(days=1)}) == {"cleanup.policy": "compact"}


def test_the_kind_of_a_topic_follows_from_its_name():
    topics = Topics("x.")
    names = ("x.position.BRK.B", "x.movingaverage", "x.dead_letter", "x.limits", "movingaverage", "x.")
    assert [topics.kind(name) for name in names] == [
        "prices",
        "movingaverage",
        "dead_letter",
        "limits",
        None,
        None,
    ]


def test_the_form_of_the_environment():
    assert parse_retention("prices=604800000,signals=1") == {
        "prices": timedelta(days=7),
        "signals": timedelta(milliseconds=1),
    }
    assert parse_retention("") == {}
    for wrong in ("prices", "prices=", "prices=7d", "prices=-1", "prices=٣", f"prices={'9' * 5000}"):
        with pytest.raises(PlanError, match="prices"):
            parse_retention(wrong)


@pytest.mark.parametrize(
    ("current", "wanted", "shortens"), [(7, 1, True), (1, 7, False), (-1, 7, True), (7, -1, False)]
)
def test_what_shortens_retention(current, wanted, shortens):
    assert retention("t", current, wanted).shortens is shortens


def test_compaction_does_not_shorten_retention():
    assert not Difference("limits", "cleanup.policy", "delete", "compact").shortens


@pytest.mark.parametrize(
    ("wanted", "segment", "found"),
    [(DAY, 7 * DAY, str(DAY)), (7 * DAY, 7 * DAY, None), (30 * DAY, 7 * DAY, None), (-1, 7 * DAY, None)],
)
def test_segments_last_no_longer_than_the_retention(wanted, segment, found):
    current = {"a": {"retention.ms": str(wanted), "segment.ms": str(segment)}}
    differ = list(differences({"a": {"retention.ms": str(wanted)}}, current))
    assert differ == ([Difference("a", "segment.ms", str(segment), found)] if found else [])
    assert list(differences({"a": {}}, current)) == []
    assert divided(differ, allow_decrease=True) == (differ, [])
    assert divided(differ, allow_decrease=False) == ([], differ), "it deletes records that are there"


@pytest.mark.parametrize(
    ("wanted", "segment", "found"),
    [
        (30 * DAY, DAY, 7 * DAY),
        (2 * DAY, DAY, 2 * DAY),
        (-1, DAY, 7 * DAY),
        (DAY, DAY, None),
        (30 * DAY, DAY - 1, None),  # it was set by somebody
    ],
)
def test_segments_grow_again_with_the_retention_that_lowered_them(wanted, segment, found):
    current = {"a": {"retention.ms": str(DAY), "segment.ms": str(segment)}}
    differ = [*differences({"a": {"retention.ms": str(wanted)}}, current)]
    segments = [each for each in differ if each.name == "segment.ms"]
    assert segments == ([Difference("a", "segment.ms", str(segment), str(found))] if found else [])
    assert not any(each.stays for each in segments)


def test_segments_stay_as_they_are_while_a_longer_retention_does():
    kept, there = {"retention.ms": str(DAY)}, {"retention.ms": str(9 * DAY), "segment.ms": str(7 * DAY)}
    found = list(differences({"a": kept, "b": kept}, {"a": there, "b": {**there, "retention.ms": str(DAY)}}))
    shorter, of_b = retention("a", 9 * DAY, DAY), Difference("b", "segment.ms", str(7 * DAY), str(DAY))
    assert found == [shorter, replace(of_b, topic="a"), of_b]
    assert divided(found, allow_decrease=False) == ([], [shorter, of_b])
    assert divided(found, allow_decrease=True) == (found, [])


def test_topics_and_settings_that_are_not_reported_are_no_difference():
    wanted = {"a": {"retention.ms": "2"}, "b": {"retention.ms": "2"}, "c": {"retention.ms": "2"}}
    current = {"b": {"retention.ms": "1", "cleanup.policy": "delete"}, "a": {"retention.ms": "2"}}
    assert list(differences(wanted, current)) == [retention("b", 1, 2)]


def test_settings_that_lose_records_are_differences_though_nobody_asked_for_others():
    hands = {
        "cleanup.policy": "compact,delete",
        "max.message.bytes": "2000",
        "retention.bytes": "4096",
        "segment.bytes": "1",
        "retention.ms": "1",
    }
    found = list(differences({"a": {"retention.ms": "1"}}, {"a": hands}))
    assert [(each.name, each.current, each.wanted, each.stays, each.loses) for each in found] == [
        ("cleanup.policy", "compact,delete", "delete", True, True),
        ("retention.bytes", "4096", "-1", True, False),
        ("max.message.bytes", "2000", "1048588", False, False),
    ]
    as_kafka_has_it = {"cleanup.policy": "delete", "max.message.bytes": "1048588", "retention.bytes": "-1"}
    assert list(differences({"a": {}}, {"a": as_kafka_has_it})) == []
    assert list(differences({"a": {"cleanup.policy": "compact"}}, {"a": {"cleanup.policy": "compact"}})) == []


@pytest.mark.slow
def test_settings_are_set_once_and_never_shortened_without_permission(stage):
    stage.create("position.A", "position.B", "movingaverage", "mine")
    topics, names = Topics(stage.prefix), [f"{stage.prefix}{name}" for name in ("position.A", "mine")]
    a, b = f"{stage.prefix}position.A", f"{stage.prefix}position.B"

    def run(days: int, *, allow_decrease: bool = False) -> tuple[list[Difference], list[Difference]]:
        wanted = {"prices": timedelta(days=days)}
        return reconcile(stage.bootstrap_servers, topics, wanted, allow_decrease=allow_decrease)

    brokers = Brokers(stage.bootstrap_servers, timeout=10)
    longer = retention(a, 7 * DAY, 9 * DAY), retention(b, 7 * DAY, 9 * DAY)
    assert run(9) == ([dated(a), longer[0], dated(b), longer[1]], [])
    assert run(9) == ([], [])
    brokers.set_configs({b: {"retention.ms": str(20 * DAY), "flush.messages": "12345"}})
    assert run(8) == ([], [retention(a, 9 * DAY, 8 * DAY), retention(b, 20 * DAY, 8 * DAY)])
    assert run(10) == ([retention(a, 9 * DAY, 10 * DAY)], [retention(b, 20 * DAY, 10 * DAY)])
    assert run(8, allow_decrease=True)[1] == []
    found = brokers.configs([b, *names])
    assert [found[name]["retention.ms"] for name in (b, *names)] == [*[str(8 * DAY)] * 2, str(7 * DAY)]
    assert found[b]["flush.messages"] == "12345", "what is not named stays"


@pytest.mark.slow
def test_a_refusal_of_kafka_and_a_broker_that_does_not_answer_differ(stage, unused_address):
    stage.create("movingaverage")
    with pytest.raises(KafkaTopicError, match="refused"):
        Brokers(stage.bootstrap_servers, timeout=10).set_configs(
            {f"{stage.prefix}movingaverage": {"retention.ms": "soon"}}
        )
    with pytest.raises(BrokerUnreachableError):
        reconcile(unused_address, Topics(""), {}, allow_decrease=False, timeout=0.5)


@pytest.mark.slow
def test_a_reconciler_reports_only_what_is_new(stage):
    stage.create("position.A", "movingaverage")
    brokers, a = Brokers(stage.bootstrap_servers, timeout=10), f"{stage.prefix}position.A"
    brokers.set_configs({a: {"retention.ms": "-1"}})
    bundle = stage.bootstrap_servers, Topics(stage.prefix), parse_retention("prices=9000,movingaverage=8000")
    cautious = TopicReconciler(*bundle, allow_decrease=False)
    said = cautious.run()
    assert f"left retention.ms of {a} from -1 to 9000: TOPIC_ALLOW_RETENTION_DECREASE is not true" in said
    assert f"changed message.timestamp.type of {a} from CreateTime to LogAppendTime" in said
    assert cautious.run() == []
    shortening = TopicReconciler(*bundle, allow_decrease=True)
    assert (
        shortening.run()[0] == f"changed retention.ms of {stage.prefix}movingaverage from 604800000 to 8000"
    )
    shown = brokers.configs([a])[a]
    assert (shown["retention.ms"], shown["segment.ms"]) == ("9000", "9000")
    stage.create("position.B")
    assert f"changed retention.ms of {stage.prefix}position.B from 604800000 to 9000" in shortening.run()
