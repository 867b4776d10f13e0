"""One Spark session for the whole package, and topics of a test's own on the real broker."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from spark_jobs.session import SessionSettings, spark_session
from tests import memory

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_numbers = itertools.count()
# Spark's own variables. A JVM that lives for seconds must start fast, not compute fast.
for _variable in ("SPARK_SUBMIT_OPTS", "SPARK_LAUNCHER_OPTS"):
    os.environ[_variable] = "-XX:TieredStopAtLevel=1"
# As for a user without a home.
os.environ["SPARK_SUBMIT_OPTS"] += " -Duser.home=?"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """Spark in this process. Mark tests that use it `slow`."""
    memory.need(memory.SPARK_MB, "Spark")
    with spark_session("tests", SessionSettings(master="local[2]")) as session:
        yield session


@pytest.fixture
def topic_of(kafka: Any) -> Callable[[Iterable[bytes | None]], str]:
    """Makes a topic of three partitions that holds these records, in turn."""
    from confluent_kafka import Producer

    def make(values: Iterable[bytes | None]) -> str:
        name = f"spark{next(_numbers)}"
        kafka.create(name, partitions=3)
        producer = Producer(
            {"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 50, "enable.idempotence": True}
        )
        for number, value in enumerate(values):
            producer.produce(name, value, partition=number % 3)
        assert producer.flush(30) == 0
        return name

    return make
