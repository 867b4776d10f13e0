"""Spark's jobs and a sink on a broker that takes TLS only, as the user `jobs` with its rights alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic

from kafka_topic.access import AccessRules, rights_of
from kafka_topic.connection import open_admin, open_producer
from kafka_topic.names import Topics
from stores.disk import DiskStore
from stores.tables import PRICES, Flow
from tests import memory
from tests.gatherer.flink import wait_until
from tests.secured_kafka import SecuredKafka
from tests.spark_jobs.test_report import check_json, record, ticks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PREFIX, TOPIC = "secured.", "secured.prices"
SECONDS, RULE_SECONDS = 20.0, 240.0
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)


def prepare(kafka: SecuredKafka, values: list[bytes]) -> None:
    """Make the topic, give the users their rights, and write the records."""
    servers = kafka.bootstrap_servers
    rights = rights_of(
        Topics(PREFIX), job="job", inputs=[], job_topics=[TOPIC], sinks="secured.sink-to-", shared=False
    )
    with kafka.as_user("pipectl"):
        admin = open_admin(servers)
        admin.create_topics([NewTopic(TOPIC, 3, 1)])[TOPIC].result(SECONDS)
        rules = AccessRules(servers, timeout=SECONDS, bundle=PREFIX)
        rules.allow(rights)
        wait_until(lambda: not rules.missing(rights), lambda: f"{rules.missing(rights)}", RULE_SECONDS)
    with kafka.as_user("jobs"):
        producer = open_producer(servers, enable_idempotence=True)
        for number, value in enumerate(values):
            producer.produce(TOPIC, value, partition=number % 3)
        assert producer.flush(SECONDS) == 0


@pytest.mark.long  # the clients of other programs are in tests/kafka_topic/test_security.py
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SSL"])
def test_batches_streams_and_sinks(protocol: str, tmp_path: Path) -> None:
    memory.need(memory.SPARK_MB, "Spark")
    kafka, given = SecuredKafka(tmp_path, protocol), ticks()
    kafka.start()
    try:
        prepare(kafka, [*map(record, given)])
        login = kafka.environ("jobs")
        secret = login.get("KAFKA_PASSWORD") or login["KAFKA_KEY"].splitlines()[1]

        def run(*argv: str, code: int = 0, **more: str) -> str:
            environ = {
                **os.environ,
                **login,
                "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
                "SPARK_MASTER": "local[2]",
                **more,
            }
            done = subprocess.run(
                [sys.executable, "-m", *argv], env=environ, capture_output=True, text=True, timeout=250
            )
            assert done.returncode == code, done.stderr
            assert secret not in done.stdout + done.stderr
            return done.stderr if code else done.stdout

        check_json(json.loads(run("spark_jobs", "report", "--topic", TOPIC, "-o", "json")), given)
        for name, argv in {
            "stream": ("spark_jobs", "stream", "--once", "--flow", "prices", "--topic", TOPIC),
            "sink": ("stores.sinks", "--once"),
        }.items():
            store = f"disk:{tmp_path / name}"
            where = ("--store", store) if name == "stream" else ()
            run(
                *(*argv, *where),
                STORE=store,
                GROUP="secured.sink-to-disk",
                TOPIC_PREFIX=PREFIX,
                SOURCES="prices",
            )
            rows = DiskStore(tmp_path / name).read(Flow("prices", PRICES), *ALWAYS)
            assert sum(1 for _ in rows) == len(given), name
        if protocol == "SASL_SSL":
            # The wrong one must not be shown either.
            secret, where = "not-the-password", ("--topic", TOPIC, "--store", f"disk:{tmp_path / 'none'}")
            for argv in (("report", "--topic", TOPIC), ("stream", "--once", "--flow", "prices", *where)):
                said = run("spark_jobs", *argv, code=1, KAFKA_PASSWORD=secret)
                assert "refuses the login of the user jobs: the password is wrong" in said, argv
                assert "Traceback" not in said
    finally:
        kafka.stop()
