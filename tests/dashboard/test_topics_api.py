"""/api/topics on a real broker: what there is, and pages of records, forward and back."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from dashboard.openapi import document
from dashboard.topics_api import MOST_HEADER_CHARACTERS, MOST_HEADERS, _record
from kafka_topic.browsing import Record
from kafka_topic.connection import open_producer
from tests.dashboard.conftest import wait_for

pytestmark = pytest.mark.slow
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture(scope="module")
def browsed(kafka):
    """100 records in 3 partitions, whose times go back and forth, and hostile ones in another topic."""
    topic, hostile = "browsed", "hostile"
    kafka.create(topic, partitions=3)
    kafka.create(hostile)
    # Otherwise a batch that is sent again, as to a new topic, comes after later ones.
    producer = open_producer(kafka.bootstrap_servers, enable_idempotence=True)
    began = int(BEGAN.timestamp() * 1000)
    for number in range(100):
        value = json.dumps({"number": number}).encode()
        shuffled = began + 1000 * (number ^ 1)
        producer.produce(topic, value, f"key{number % 4}", partition=number % 3, timestamp=shuffled)
    producer.produce(hostile, b"<script>alert(1)</script>", b"\xff\xfe", headers={"h": b"\x00"})
    producer.produce(hostile, b"x" * 50_000, None)
    producer.produce(hostile, None, "deleted")
    assert producer.flush(20) == 0
    return topic, hostile


def get(app, topic, **query):
    parts = "&".join(f"{name.rstrip('_')}={value}" for name, value in {"topic": topic, **query}.items())
    status, answer = app.get(f"/api/topics/records?{parts}")
    assert status == 200, answer
    schema = {"$ref": "#/components/schemas/RecordsAnswer", "components": document()["components"]}
    jsonschema.validate(answer, schema)
    return answer


def numbers(answer):
    return [json.loads(one["value"])["number"] for one in answer["records"]]


def test_topics_are_listed_without_kafkas_own(shared_app, browsed):
    def sized():
        """The topics, once Kafka has answered in time for the sizes, too."""
        found = {one["topic"]: one for one in shared_app.get("/api/topics")[1].get("topics", [])}
        return found if browsed[0] in found and found[browsed[0]]["size"] is not None else None

    found = wait_for(sized, 120)
    topic = found[browsed[0]]
    assert [one["partition"] for one in topic["partitions"]] == [0, 1, 2]
    assert topic["size"] == 100 * len('key0{"number": 99}')
    assert topic["offsets"] == 100 and topic["settings"]["cleanup.policy"] == "delete"
    assert not any(name.startswith("__") for name in found)


def test_pages_go_back_to_the_beginning_and_forward_to_the_end_without_losing_a_record(shared_app, browsed):
    page = get(shared_app, browsed[0], count=7)
    seen = [numbers(page)]
    assert page["after"] is None and page["topic"]["size"] == 1800
    while page["before"]:
        page = get(shared_app, browsed[0], count=7, before=page["before"])
        seen.insert(0, numbers(page))
    backward = [number for several in seen for number in several]
    assert sorted(backward) == list(range(100)) and all(seen)
    # In each partition, in the order of offsets, whatever the times are.
    assert [each for each in backward if each % 3 == 1] == list(range(1, 100, 3))

    page = get(shared_app, browsed[0], count=7, offset=0)
    forward = numbers(page)
    assert page["before"] is None
    while page["after"]:
        page = get(shared_app, browsed[0], count=7, from_=page["after"])
        forward += numbers(page)
    assert sorted(forward) == list(range(100)) and len(forward) == 100


def test_records_of_a_partition_an_offset_a_time_a_key_or_with_a_text(shared_app, browsed):
    topic, _ = browsed
    assert numbers(get(shared_app, topic, partition=2, offset=30)) == list(range(92, 100, 3))
    since = (BEGAN + timedelta(seconds=90)).isoformat().replace("+", "%2B")
    assert sorted(numbers(get(shared_app, topic, time=since))) == list(range(90, 100))
    assert sorted(numbers(get(shared_app, topic, key="key2"))) == list(range(22, 100, 4))
    assert sorted(numbers(get(shared_app, topic, key="key2", count=100))) == list(range(2, 100, 4))
    assert numbers(get(shared_app, topic, text="%22number%22:%2042")) == [42]
    page = get(shared_app, topic, key="key2", count=5, before="0:9,1:9,2:9")
    assert max(numbers(page)) < 27 and page["before"]


def test_binary_values_are_base64_and_long_ones_are_cut(shared_app, browsed):
    first, long, gone = get(shared_app, browsed[1])["records"]
    assert first["value"] == "<script>alert(1)</script>"
    assert (first["key"], first["headers"]) == ({"base64": "//4="}, {"h": "\x00"})
    assert (long["size"], len(long["value"]), long["cut"], first["cut"]) == (50_000, 20_000, True, False)
    assert (gone["key"], gone["value"]) == ("deleted", None)
    assert get(shared_app, browsed[1], bytes="true")["records"][2]["key"] == {"base64": "ZGVsZXRlZA=="}


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("topic=nothing", 404, "there is no topic 'nothing'"),
        ("topic={}&partition=7", 404, "unknown partition '7'"),
        ("topic={}&count=0", 400, "count=0 must be a whole number from 1 to 100"),
        ("topic={}&offset=-1", 400, "offset=-1 must be a whole number"),
        ("topic={}&before=0:x", 400, "before=0:x must be such as 0:120"),
        ("topic={}&time=yesterday", 400, "time=yesterday must be a time"),
    ],
)
def test_an_invalid_query_is_refused_with_its_reason(shared_app, browsed, query, status, word):
    found, answer = shared_app.get(f"/api/topics/records?{query.format(browsed[0])}")
    assert found == status and word in answer["message"]


def test_many_and_long_headers_do_not_make_an_answer_large():
    headers = {f"{number:03}{'n' * 1000}": b"x" * 100_000 for number in range(500)}
    record = Record(0, 1, BEGAN, None, b"{}", headers)
    shown = _record(record, as_bytes=False)
    assert {len(name) for name in shown["headers"]} == {MOST_HEADER_CHARACTERS}
    assert list(shown["headers"].values()) == ["x" * MOST_HEADER_CHARACTERS] * MOST_HEADERS
    assert shown["cut"]
    assert not _record(dataclasses.replace(record, headers={"a": b"b"}), as_bytes=False)["cut"]
