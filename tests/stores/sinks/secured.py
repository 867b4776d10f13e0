"""A broker that takes TLS only and asks for logins, with a topic for sinks; and sinks on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka.admin import NewTopic

from kafka_topic.access import AccessRules, rights_of
from kafka_topic.connection import open_admin, open_producer
from kafka_topic.names import Topics
from tests.gatherer.flink import wait_until
from tests.secured_kafka import SecuredKafka
from tests.stores.sinks.test_sink import record

TOPICS = Topics("secured.")
GROUP, CENSUS = "secured.sink-to-disk", "secured.census"
SECONDS = 240.0


@contextmanager
def broker(folder: Path) -> Iterator[SecuredKafka]:
    """With a topic of 90 records, the topic of the census, and the rights that a deploy gives."""
    made = SecuredKafka(folder, "SASL_SSL")
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
    wait_until(condition, what, SECONDS)


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


def health(port: int) -> tuple[int, str | None]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=20) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["reason"]
    except OSError:
        return 0, None
