"""Reading topics in batch mode: all current records, and none that are written later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_topic.brokers import LEADER_SECONDS, Brokers, Offsets
from kafka_topic.errors import KafkaTopicError
from kafka_topic.security import current
from spark_jobs.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class Extent:
    """The content of topics at one moment: the first offset and the committed end of each partition."""

    begin: Offsets
    end: Offsets

    def lines(self) -> list[str]:
        """One readable line for each partition."""
        return [
            f"topic {topic}, partition {partition}: offsets {self.begin[topic, partition]} to "
            f"{end} (exclusive)"
            for (topic, partition), end in sorted(self.end.items())
        ]


def extent_of(bootstrap_servers: str, topics: Sequence[str]) -> Extent:
    """The current extent of topics. Raises SourceError if one is missing or no broker answers."""
    with explained():
        brokers = Brokers(bootstrap_servers, timeout=LEADER_SECONDS)
        found = brokers.partitions(topics)
        for topic in topics:
            if topic not in found:
                raise SourceError(
                    f"topic {topic!r} does not exist on {bootstrap_servers}; choose another with --topic, or "
                    "write to it first"
                )
        partitions = [partition for several in found.values() for partition in several]
        begin, end = brokers.earliest(partitions), brokers.committed_ends(partitions)
        # Retention may have moved the start of a log between the two queries.
        return Extent({partition: min(at, end[partition]) for partition, at in begin.items()}, end)


def read_extent(session: SparkSession, bootstrap_servers: str, extent: Extent) -> DataFrame:
    """The records of an extent, with the columns of Spark's Kafka source."""
    reader = session.read.format("kafka").options(
        **reading(bootstrap_servers),
        subscribe=",".join(sorted({topic for topic, _ in extent.end})),
        startingOffsets=_json(extent.begin),
        endingOffsets=_json(extent.end),
        # Let several tasks read one partition.
        minPartitions=str(session.sparkContext.defaultParallelism),
    )
    return reader.load()


def reading(bootstrap_servers: str) -> dict[str, str]:
    """Options for every read from Kafka: committed records only; lost records are an error."""
    return {
        "kafka.bootstrap.servers": bootstrap_servers,
        **{f"kafka.{name}": value for name, value in current().java().items()},
        "kafka.isolation.level": "read_committed",
        "failOnDataLoss": "true",
    }


@contextmanager
def explained() -> Iterator[None]:
    """Turns Kafka errors into SourceErrors."""
    try:
        yield
    except KafkaTopicError as error:
        raise SourceError(str(error)) from error


def _json(offsets: Offsets) -> str:
    by_topic: dict[str, dict[str, int]] = {}
    for (topic, partition), offset in offsets.items():
        by_topic.setdefault(topic, {})[str(partition)] = offset
    return json.dumps(by_topic)
