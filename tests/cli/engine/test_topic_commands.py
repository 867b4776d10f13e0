"""The `dcos kafka topic` command lines, and their output."""

import pytest

from cli.engine.dcos import topic_commands as commands
from kafka_topic.plan import TopicSpec


def test_command_lines():
    assert commands.list_argv("kafka") == ["kafka", "--name=kafka", "topic", "list"]
    assert commands.create_argv("kafka", TopicSpec("position.AAPL", 2, 3)) == [
        "kafka", "--name=kafka", "topic", "create", "position.AAPL", "--partitions=2", "--replication=3",
    ]  # fmt: skip
    assert commands.describe_argv("k2", "t") == ["kafka", "--name=k2", "topic", "describe", "t"]
    assert commands.delete_argv("k2", "t") == ["kafka", "--name=k2", "topic", "delete", "t"]


def test_outputs_are_parsed():
    assert commands.parse_list('[\n  "position.AAPL",\n  "movingaverage"\n]\n') == [
        "position.AAPL",
        "movingaverage",
    ]
    assert commands.parse_list("[]") == []
    described = '{"partitions": [{"0": {"leader": 0, "isr": [0]}}, {"1": {"leader": 0, "isr": [0]}}]}'
    assert commands.parse_partitions(described) == 2


@pytest.mark.parametrize(
    ("parse", "stdout"),
    [
        (commands.parse_list, "Could not reach the service scheduler with name 'kafka'.\nDid you provide…"),
        (commands.parse_list, '{"message": "Could not reach"}'),
        (commands.parse_list, '["Could not reach", 1]'),
        (commands.parse_partitions, "Could not reach"),
        (commands.parse_partitions, '{"message": "Could not reach"}'),
        (commands.parse_partitions, '["Could not reach"]'),
    ],
)
def test_an_error_on_stdout_is_passed_on(parse, stdout):
    with pytest.raises(ValueError, match=r"dcos kafka topic .*Could not reach"):
        parse(stdout)


def test_missing_output_is_reported():
    with pytest.raises(ValueError, match="it printed: nothing"):
        commands.parse_list("")
