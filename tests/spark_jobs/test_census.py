"""The census by group, against fractions of the same values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from kafka_topic.contracts import CensusValue
from spark_jobs.census import census_groups, groups_table, store_groups
from spark_jobs.errors import SourceError
from stores.base import Store
from stores.cassandra import CassandraStore
from stores.cql import address_of
from stores.disk import DiskStore
from stores.tables import GROUPS, Flow
from tests.cassandra_node import CassandraNode
from tests.spark_jobs import exact

pytestmark = pytest.mark.slow
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)


def values(version: str, shift: int = 0) -> list[CensusValue]:
    """Two quantities of 30 places in three groups, one of which has a single place."""
    return [
        CensusValue(
            version, f"place {n}", "alone" if n == 0 else f"group {n % 2}", name, n * 1.25 + shift, "%"
        )
        for n in range(30)
        for name in ("a", "b")
    ]


@pytest.fixture(params=["disk", pytest.param("cassandra", marks=pytest.mark.long)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "disk":
        yield DiskStore(tmp_path)
    else:
        node: CassandraNode = request.getfixturevalue("cassandra")
        opened = CassandraStore(address_of(node.address("census").partition(":")[2], node.environ))
        yield opened
        opened.close()


def test_the_statistics_of_the_newest_version(spark, kafka, topic_of, store):
    topic = topic_of([each.to_json() for each in values("one")])
    for _ in range(2):
        store_groups(census_groups(spark, kafka.bootstrap_servers, topic), "census", [store])
    first = list(store.read(Flow("census", GROUPS), *ALWAYS))
    assert len(first) == 6, "a repeated run stores nothing twice"

    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})
    given = values("two", shift=7)
    for each in given:
        producer.produce(topic, each.to_json())
    assert producer.flush(30) == 0
    groups = census_groups(spark, kafka.bootstrap_servers, topic)
    store_groups(groups, "census", [store])
    rows = list(store.read(Flow("census", GROUPS), *ALWAYS))
    newest = store.newest(Flow("census", GROUPS))
    assert len(rows) == 12 and newest is not None and newest > first[0]["ts"]

    grouped: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for each in given:
        grouped[each.name, each.group].append(Decimal(repr(each.value)))
    current = [row for row in rows if row["ts"] == newest]
    assert {(row["name"], row["group"]) for row in current} == grouped.keys()
    for row in current:
        wanted = exact.figures(grouped[row["name"], row["group"]])
        assert (row["count"], row["min"], row["max"]) == (wanted["count"], wanted["min"], wanted["max"])
        assert row["mean"] == pytest.approx(wanted["mean"], rel=1e-14)
        one = wanted["stddev"] is None
        assert row["stddev"] == (None if one else pytest.approx(wanted["stddev"], rel=1e-12))
    assert "version two" in groups_table(groups) and "group 1" in groups_table(groups)


def test_what_is_no_data_set_is_an_error(spark, kafka, topic_of):
    with pytest.raises(SourceError, match="holds no data set"):
        census_groups(spark, kafka.bootstrap_servers, topic_of([]))
    with pytest.raises(SourceError, match="partition 0, offset 0: "):
        census_groups(spark, kafka.bootstrap_servers, topic_of([b"{"]))
