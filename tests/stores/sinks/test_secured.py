"""Sinks on a broker that takes TLS only and asks for logins: they write, or say why they may not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic

from kafka_topic.access import AccessRules, rights_of
from kafka_topic.connection import open_admin, open_producer
from kafka_topic.names import Topics
from stores.disk import DiskStore
from tests.ports import free_ports
from tests.secured_kafka import SecuredKafka
from tests.stores.sinks.test_sink import counts, record

pytestmark = pytest.mark.slow
TOPICS = Topics("secured.")
GROUP, CENSUS = "secured.sink-to-disk", "secured.census"
SECONDS = 90.0


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """With a topic of 90 records, the topic of the census, and the rights that a deploy gives."""
    made = SecuredKafka(tmp_path_factory.mktemp("secured"), "SASL_SSL")
    made.start()
    try:
        with made.as_user("pipectl"):
            admin = open_admin(made.bootstrap_servers)
            topics = [NewTopic(name, 3, 1) for name in (TOPICS.moving_average, CENSUS, "secured.other")]
            for future in admin.create_topics(topics).values():
                future.result(SECONDS)
            rules = AccessRules(made.bootstrap_servers, timeout=SECONDS, bundle=TOPICS.prefix)
            jobs = {"job_topics": [CENSUS], "sinks": "secured.sink-to-"}
            rights = rights_of(TOPICS, job="job", inputs=[], shared=False, **jobs)
            rules.allow(rights)
            until(lambda: not rules.missing(rights), "the rules")
        write(made, 0, 90)
        yield made
    finally:
        made.stop()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.1)


def write(kafka: SecuredKafka, start: int, stop: int) -> None:
    with kafka.as_user("pipectl"):
        producer = open_producer(kafka.bootstrap_servers, enable_idempotence=True)
    for number in range(start, stop):
        value = record(number)
        producer.produce(TOPICS.moving_average, value.to_json(), value.symbol)
    assert producer.flush(SECONDS) == 0


def started(kafka: SecuredKafka, store: Path, *argv: str, **changes: str) -> subprocess.Popen[str]:
    """A program of the user `jobs`, by default a sink that ends; `changes` replace variables."""
    environ = {
        **os.environ,
        **kafka.environ("jobs"),
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TOPIC_PREFIX": TOPICS.prefix,
        "SOURCES": "movingaverage",
        "GROUP": GROUP,
        "STORE": f"disk:{store}",
        **changes,
    }
    command = [sys.executable, "-m", *(argv or ("stores.sinks", "--once"))]
    return subprocess.Popen(command, env=environ, stdout=-1, stderr=subprocess.STDOUT, text=True)


def ended(process: subprocess.Popen[str], code: int, *secrets: str) -> str:
    """What a program has said, which is none of these secrets."""
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert not any(secret in said for secret in secrets)
    return said


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"KAFKA_PASSWORD": "not-the-password"}, "refuses the login of the user jobs: the password is wrong"),
        ({"GROUP": "other.sink"}, "does not allow this to jobs: "),
        ({"TOPIC_PREFIX": "elsewhere."}, "topic elsewhere.movingaverage does not exist"),
    ],
    ids=["password", "group", "topic"],
)
def test_a_sink_that_may_not_says_why(secured, tmp_path, changes, reason):
    sink = started(secured, tmp_path, **changes)
    assert reason in ended(sink, 1, secured.passwords["jobs"], "not-the-password")
    assert counts(DiskStore(tmp_path)) == []


def test_the_census_comes_once_or_says_why_not(secured, tmp_path):
    census = ("data_generator.sources.census", "--topic", CENSUS)
    refused = ended(started(secured, tmp_path, *census, KAFKA_PASSWORD="wrong-one"), 1, "wrong-one")
    assert f"cannot read what is in {CENSUS}: Kafka at" in refused
    assert "refuses the login of the user jobs: the password is wrong" in refused
    for wrote in (255, 0):
        assert f"this run wrote {wrote}" in ended(started(secured, tmp_path, *census), 0)


def health(port: int) -> tuple[int, str | None]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=20) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["reason"]
    except OSError:
        return 0, None


def test_a_sink_writes_each_record_to_a_disk_once(secured, tmp_path):
    [port] = free_ports(1)
    store, password = DiskStore(tmp_path), secured.passwords["jobs"]
    app = started(secured, tmp_path, "stores.sinks", PORT0=str(port))
    try:
        until(lambda: counts(store) == list(range(90)), "90 records in the store")
        assert health(port) == (200, None)
    finally:
        app.terminate()
    ended(app, 0, password)
    write(secured, 90, 120)
    assert "wrote 30 records" in ended(started(secured, tmp_path), 0, password)
    assert counts(store) == list(range(120))
