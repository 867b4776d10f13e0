"""Topics as Spark's batch source reads them: all that is in them now, and no record that comes later."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_topic.brokers import Brokers, Offsets
from kafka_topic.errors import KafkaTopicError
from spark_jobs.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Extent:
    """What is in topics at one moment: where each partition's log begins, and up to where it is committed."""

    begin: Offsets
    end: Offsets

    def lines(self) -> list[str]:
        """For people, a line for each partition."""
        return [
            f"topic {topic}, partition {partition}: offsets {self.begin[topic, partition]} up to "
            f"{end}, which is not included"
            for (topic, partition), end in sorted(self.end.items())
        ]


def extent_of(bootstrap_servers: str, topics: Sequence[str]) -> Extent:
    """What is in topics now. Raises SourceError for one that does not exist, or when no broker answers."""
    with explained():
        brokers = Brokers(bootstrap_servers, timeout=_ANSWER_SECONDS)
        found = brokers.partitions(topics)
        for topic in topics:
            if topic not in found:
                raise SourceError(
                    f"topic {topic!r} does not exist on {bootstrap_servers}; name another with --topic, or "
                    "write into it first"
                )
        partitions = [partition for several in found.values() for partition in several]
        begin, end = brokers.earliest(partitions), brokers.committed_ends(partitions)
        # Retention may have moved a log's beginning between the two questions.
        return Extent({place: min(at, end[place]) for place, at in begin.items()}, end)


def read_extent(session: SparkSession, bootstrap_servers: str, extent: Extent) -> DataFrame:
    """The records of an extent, with Spark's columns of Kafka's source."""
    reader = session.read.format("kafka").options(
        **reading(bootstrap_servers),
        subscribe=",".join(sorted({topic for topic, _ in extent.end})),
        startingOffsets=_json(extent.begin),
        endingOffsets=_json(extent.end),
        # Several tasks read one partition.
        minPartitions=str(session.sparkContext.defaultParallelism),
    )
    return reader.load()


def reading(bootstrap_servers: str) -> dict[str, str]:
    """How every job reads Kafka: committed records only, and what is lost is an error."""
    return {
        "kafka.bootstrap.servers": bootstrap_servers,
        "kafka.isolation.level": "read_committed",
        "failOnDataLoss": "true",
    }


@contextmanager
def explained() -> Iterator[None]:
    """Turns errors of Kafka into SourceErrors."""
    try:
        yield
    except KafkaTopicError as error:
        raise SourceError(str(error)) from error


def _json(offsets: Offsets) -> str:
    by_topic: dict[str, dict[str, int]] = {}
    for (topic, partition), offset in offsets.items():
        by_topic.setdefault(topic, {})[str(partition)] = offset
    return json.dumps(by_topic)
