"""What `pipectl topics` makes of a record's value, and of a partition that does not answer."""

import json

import pytest
from click.testing import CliRunner

from cli.__main__ import pipectl
from cli.commands.topics import _value
from cli.engine.memory import MemoryEngine
from kafka_topic.brokers import Span
from kafka_topic.browsing import TopicInfo
from kafka_topic.errors import BrokerUnreachableError


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"price": 1.5}', {"price": 1.5}),
        (b"plain", "plain"),
        # Neither is JSON, or can be printed as such.
        (b'{"price": NaN}', '{"price": NaN}'),
        (b"[1e999]", "[1e999]"),
        (b"[" * 100_000, "[" * 100_000),
        (b"9" * 5000, "9" * 5000),
        (b"\xff", {"base64": "/w=="}),
        (None, None),
    ],
    ids=["json", "text", "nan", "infinite", "deep", "long", "bytes", "null"],
)
def test_a_value_is_shown_as_json_or_as_it_is(data, shown):
    assert _value(data, as_bytes=False) == shown


def test_a_partition_that_does_not_answer_is_named(monkeypatch):
    error = BrokerUnreachableError("the leader of partition 1 of prices did not answer within 10 s")
    topic = TopicInfo("prices", {0: Span(0, 5)}, {}, {1: error})
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: MemoryEngine())
    monkeypatch.setattr("kafka_topic.browsing.topics", lambda _: [topic])
    sizes = {"prices": None}
    monkeypatch.setattr("kafka_topic.topic_sizes.estimates", lambda *_, **__: sizes)

    def run(*args: str):
        return CliRunner().invoke(pipectl, ["topics", *args, "--cluster", "prod"])

    listed = run("-o", "json")
    assert listed.exit_code == 0
    assert f"left out: {error}" in listed.stderr
    assert json.loads(listed.stdout)[0]["unreachable"] == [1]
    assert run().stdout.splitlines()[-1].split()[:4] == ["prices", "2", "5", "-"]
    sizes["prices"] = 1_250_000_000
    assert "~1.2 GB" in run().stdout.splitlines()[-1]
    asked = run("show", "prices", "--partition", "1")
    assert asked.exit_code == 3
    assert str(error) in asked.stderr
