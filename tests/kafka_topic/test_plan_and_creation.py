import pytest

from kafka_topic import creation
from kafka_topic.errors import CreationOutputError, PlanError, SymbolError
from kafka_topic.plan import TopicSpec, topic_plan


def test_a_topic_per_position_then_one_each_of_what_follows_from_them():
    assert topic_plan(["AAPL", "BRK.B"], prefix="blue.", partitions=2, replication=3) == [
        TopicSpec("blue.position.AAPL", 2, 3, {"message.timestamp.type": "LogAppendTime"}),
        TopicSpec("blue.position.BRK.B", 2, 3, {"message.timestamp.type": "LogAppendTime"}),
        TopicSpec("blue.movingaverage", 2, 3),
        TopicSpec("blue.signals", 2, 3),
        TopicSpec("blue.dead_letter", 2, 3),
        TopicSpec("blue.limits", 2, 3, {"cleanup.policy": "compact"}),
    ]


def test_plans_that_cannot_be_carried_out():
    with pytest.raises(PlanError, match="partitions is 0"):
        topic_plan(["AAPL"], partitions=0)
    with pytest.raises(PlanError, match="replication is -1"):
        topic_plan(["AAPL"], replication=-1)
    with pytest.raises(PlanError, match="no positions"):
        topic_plan([])
    with pytest.raises(SymbolError, match="listed twice"):
        topic_plan(["AAPL", "AAPL"])


def test_command_lines():
    assert creation.list_argv("kafka") == ["kafka", "--name=kafka", "topic", "list"]
    assert creation.create_argv("kafka", TopicSpec("position.AAPL", 2, 3)) == [
        "kafka", "--name=kafka", "topic", "create", "position.AAPL", "--partitions=2", "--replication=3",
    ]  # fmt: skip
    assert creation.describe_argv("k2", "t") == ["kafka", "--name=k2", "topic", "describe", "t"]
    assert creation.delete_argv("k2", "t") == ["kafka", "--name=k2", "topic", "delete", "t"]


def test_outputs_are_parsed():
    assert creation.parse_list('[\n  "position.AAPL",\n  "movingaverage"\n]\n') == [
        "position.AAPL",
        "movingaverage",
    ]
    assert creation.parse_list("[]") == []
    described = '{"partitions": [{"0": {"leader": 0, "isr": [0]}}, {"1": {"leader": 0, "isr": [0]}}]}'
    assert creation.parse_partitions(described) == 2


@pytest.mark.parametrize(
    ("parse", "stdout"),
    [
        (creation.parse_list, "Could not reach the service scheduler with name 'kafka'.\nDid you provide…"),
        (creation.parse_list, '{"message": "Could not reach"}'),
        (creation.parse_list, '["Could not reach", 1]'),
        (creation.parse_partitions, "Could not reach"),
        (creation.parse_partitions, '{"message": "Could not reach"}'),
        (creation.parse_partitions, '["Could not reach"]'),
    ],
)
def test_an_error_on_stdout_is_passed_on(parse, stdout):
    with pytest.raises(CreationOutputError, match=r"dcos kafka topic .*Could not reach"):
        parse(stdout)


def test_no_output_at_all_is_said():
    with pytest.raises(CreationOutputError, match="it printed: nothing"):
        creation.parse_list("")
