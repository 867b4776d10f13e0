"""`pipectl topics` on a real broker: lists, and records by number, partition, offset, time and key."""

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from cli.__main__ import pipectl
from cli.engine.memory import MemoryEngine
from kafka_topic import browsing
from kafka_topic.connection import open_producer
from kafka_topic.contracts import format_time

pytestmark = pytest.mark.slow
# An hour ago: what is older than a week, Kafka deletes.
BEGAN_MS = (int(time.time()) - 3600) * 1000
PRICE = '{{"ts": "2026-11-22 01:02:03.004", "symbol": "{}", "price": {}.00}}'


@pytest.fixture(scope="module")
def topics(kafka):
    """`t.prices`: 3,000 prices in 3 partitions, 200 of each key A to O, and an aborted transaction."""
    kafka.create("t.prices", partitions=3)
    kafka.create("t.bytes", "t.empty")
    producer = open_producer(kafka.bootstrap_servers, transactional_id="topics-test")
    producer.init_transactions(30)
    for begin, abort in ((0, False), (10_000, True), (1000, False), (2000, False)):
        producer.begin_transaction()
        for number in range(begin, begin + 1000):
            key = chr(ord("A") + number % 15)
            value = PRICE.format(key, number).encode()
            producer.produce("t.prices", value, key, headers={"n": str(number)}, timestamp=BEGAN_MS + number)
            producer.poll(0)
        if abort:
            producer.flush(30)
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
    producer.begin_transaction()
    producer.produce("t.bytes", b"\xff\x00", b"\xfe")
    producer.produce("t.bytes", "text\x1b[2J", None)
    producer.produce("t.bytes", None, "deleted")
    producer.commit_transaction(30)
    return kafka


@pytest.fixture
def run(topics, monkeypatch):
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: MemoryEngine())
    monkeypatch.setattr("cli.commands.topics.SAMPLE_SECONDS", 60.0)
    where = ("--set", f"kafka.bootstrap_servers='{topics.bootstrap_servers}'", "--set", "topics.prefix=t.")

    def call(*args: str) -> Result:
        return CliRunner().invoke(pipectl, ["topics", *args, "--cluster", "prod", *where])

    return call


def shown(result: Result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def prices(result: Result) -> list[int]:
    return [int(one["value"]["price"]) for one in shown(result)]


def test_topics_are_listed_with_partitions_offsets_and_settings(run):
    found = {one["topic"]: one for one in shown(run("-o", "json"))}
    assert found.keys() >= {"t.prices", "t.bytes", "t.empty"}
    assert not any(name.startswith("__") for name in found)
    spans = found["t.prices"]["partitions"]
    assert [one["partition"] for one in spans] == [0, 1, 2]
    # 4,000 records, 1,000 of them aborted, and a marker for each transaction in each partition.
    assert sum(one["end"] - one["begin"] for one in spans) == 4000 + 4 * 3
    assert found["t.prices"]["settings"]["cleanup.policy"] == "delete"
    assert found["t.empty"]["partitions"] == [{"partition": 0, "begin": 0, "end": 0}]
    line = next(line for line in run().stdout.splitlines() if line.startswith("t.prices"))
    assert line.split() == ["t.prices", "3", "4012", "~268.8", "kB", "7d", "delete"]
    assert found["t.empty"]["size"] == 0


def test_the_last_records_are_shown_whatever_was_aborted(run):
    assert prices(run("show", "t.prices", "-o", "json")) == list(range(2990, 3000))
    # Behind the prefix of the bundle, and across the aborted ones.
    assert prices(run("show", "prices", "--last", "2500", "-o", "json")) == list(range(500, 3000))
    assert prices(run("show", "prices", "--last", "5000", "-o", "json")) == list(range(3000))


def test_records_of_one_key_partition_offset_and_time(run):
    ours = [number for number in range(3000) if number % 15 == 2]
    assert prices(run("show", "prices", "--key", "C", "-o", "json")) == ours[-10:]
    assert prices(run("show", "prices", "--key", "C", "--last", "200", "-o", "json")) == ours
    (first, *_) = shown(run("show", "prices", "--key", "C", "--last", "200", "-o", "json"))
    place = ("--partition", str(first["partition"]))
    assert prices(run("show", "prices", *place, "--key", "C", "--last", "3", "-o", "json")) == ours[-3:]
    others = {"0", "1", "2"} - {str(first["partition"])}
    assert shown(run("show", "prices", "--partition", others.pop(), "--key", "C", "-o", "json")) == []

    page = shown(run("show", "prices", *place, "--offset", str(first["offset"]), "--last", "4", "-o", "json"))
    assert page[0] == first
    assert [one["offset"] for one in page] == sorted(one["offset"] for one in page)
    assert len(page) == 4
    assert page[0]["headers"] == {"n": "2"}

    at = ("--time", format_time(datetime.fromtimestamp(BEGAN_MS / 1000 + 1.5, UTC)))
    assert prices(run("show", "prices", *at, "--last", "5", "-o", "json")) == [1500, 1501, 1502, 1503, 1504]
    assert prices(run("show", "prices", *at, "--key", "C", "--last", "2", "-o", "json")) == [1502, 1517]
    assert shown(run("show", "prices", "--time", "2050-01-01", "-o", "json")) == []


def test_a_search_is_bounded_and_reports_when_it_stops_early(run, monkeypatch):
    monkeypatch.setattr(browsing, "SCANNED", 100)
    done = run("show", "prices", "--key", "nobody", "-o", "json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])
    assert "there may be more" in done.stderr
    assert "there may be more" in run("show", "prices", "--time", "2020-01-01", "--key", "nobody").stderr
    assert "there may be more" not in run("show", "prices").stderr


def test_values_that_are_neither_json_nor_text_are_shown(run):
    (blob, text, gone) = shown(run("show", "bytes", "-o", "json"))
    assert blob["value"] == {"base64": base64.b64encode(b"\xff\x00").decode()}
    assert blob["key"] == {"base64": base64.b64encode(b"\xfe").decode()}
    assert (text["key"], text["value"]) == (None, "text\x1b[2J")
    assert (gone["key"], gone["value"]) == ("deleted", None)
    table = run("show", "bytes").stdout
    assert "base64:/wA=" in table
    assert "\x1b" not in table
    (_, text, _) = shown(run("show", "bytes", "--bytes", "-o", "json"))
    assert base64.b64decode(text["value"]["base64"]) == b"text\x1b[2J"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("show", "pricess"), "did you mean t.prices?"),
        (("show", "prices", "--partition", "7"), "it has 0, 1, 2"),
        (("show", "prices", "--offset", "7"), "--offset needs --partition"),
        (("show", "prices", "--partition", "0", "--offset", "999999"), "its log starts at 0 and ends before"),
        (("show", "prices", "--time", "yesterday"), "--time"),
    ],
)
def test_invalid_options_are_refused_with_a_reason(run, args, says):
    done = run(*args)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_topic_without_records_says_so(run):
    done = run("show", "empty")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no matching records" in done.stderr


def test_brokers_that_do_not_answer_are_named(monkeypatch):
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: MemoryEngine())
    monkeypatch.setattr("cli.commands.topics.SAMPLE_SECONDS", 60.0)
    monkeypatch.setattr("cli.commands.topics.ANSWER_SECONDS", 1.0)
    where = ("--cluster", "prod", "--set", "kafka.bootstrap_servers='127.0.0.1:1'")
    done = CliRunner().invoke(pipectl, ["topics", *where])
    assert done.exit_code == 3
    assert "no Kafka broker answered at 127.0.0.1:1" in done.stderr
