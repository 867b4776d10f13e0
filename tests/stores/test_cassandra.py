"""The store in a real Cassandra: every row once, whatever is repeated, killed or started again."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from local_dcos.services.keys import new_key
from stores.base import Batch, table_of
from stores.cassandra import CassandraStore
from stores.cql import address_of
from stores.driver import cluster_of
from stores.errors import AddressError, QueryError, RowsError, UnreachableError
from stores.opening import open_store
from stores.tables import MOVING_AVERAGE, SIGNALS, TABLES, Flow
from tests.cassandra_node import CassandraNode
from tests.gatherer.flink import wait_until
from tests.stores.batches import ALWAYS, FLOW, START, rows

SECONDS = 240.0


def offsets(store: CassandraStore, **names: Any) -> list[int]:
    return [row["offset"] for row in store.read(FLOW, *ALWAYS, **names)]


@pytest.fixture
def store(cassandra: CassandraNode, request: pytest.FixtureRequest) -> Iterator[CassandraStore]:
    keyspace = request.node.name.removeprefix("test_")[:40]
    opened = CassandraStore(address_of(cassandra.address(keyspace).partition(":")[2], cassandra.environ))
    yield opened
    opened.close()


@pytest.mark.slow
def test_rows_come_back_as_they_were_written(store):
    assert list(store.read(FLOW, *ALWAYS)) == []
    assert store.newest(FLOW) is None
    assert store.describe() == []
    assert store.writers(FLOW.name) == set()
    for number in (1, 0, 1):
        store.write(FLOW, Batch("w", number), rows(number, 150))
    given = rows(0, 300)
    wanted = [dict(zip(given, values, strict=True)) for values in zip(*given.values(), strict=True)]
    assert list(store.read(FLOW, *ALWAYS)) == wanted
    assert offsets(store, names={"AAPL"}) == list(range(1, 300, 2))
    two = store.read(FLOW, START + timedelta(seconds=9), START + timedelta(seconds=11))
    assert [row["offset"] for row in two] == [9, 10]
    assert store.newest(FLOW) == START + timedelta(seconds=299)
    store.write(Flow("other", FLOW.table), Batch("x", 0), rows(0))
    assert store.writers(FLOW.name) == {"w"}
    [_, found] = store.describe()
    assert (found.flow, found.rows, found.first, found.last) == ("prices", 300, "2026-11-22", "2026-11-23")


@pytest.mark.slow
def test_it_answers_queries(store):
    with pytest.raises(QueryError, match="Keyspace 'it_answers_queries' does not exist"):
        store.query("SELECT * FROM prices", limit=9, seconds=30)
    store.write(FLOW, Batch("w", 0), rows(0, 20))
    query = 'SELECT ts, symbol, price, "offset" FROM prices LIMIT 3;'
    found = store.query(query, limit=2, seconds=30)
    assert list(found.columns) == ["ts", "symbol", "price", "offset"] and found.more
    # The partitions of hours come in any order.
    written = rows(0, 20)
    known = {
        (time.replace(tzinfo=None), *values)
        for time, *values in zip(*(written[name] for name in found.columns), strict=True)
    }
    assert len({tuple(row) for row in found.rows} & known) == 2
    counted = store.query("SELECT count(*) FROM prices", limit=2, seconds=30)
    assert [tuple(row) for row in counted.rows] == [(20,)] and not counted.more
    for text, said in (
        ("SELECT nope FROM prices", "Undefined column name nope"),
        ("SELECT * FROM other", "table other does not exist"),
        ("SELECT * FROM prices WHERE symbol = 'AAPL'", "ALLOW FILTERING"),
        ("DELETE FROM prices", "they begin with SELECT"),
    ):
        with pytest.raises(QueryError, match=said):
            store.query(text, limit=2, seconds=30)


@pytest.mark.slow
def test_a_table_for_every_contract(store):
    """Nulls, reserved words as names, and every kind of column."""
    values = {"time": START, "text": "AAPL", "whole": 3, "number": 1.5, "price": Decimal("1.25")}
    for name, table in TABLES.items():
        flow = Flow(f"some-{name}", table)
        row = {each.name: None if each.optional else values[each.kind] for each in table.columns}
        store.write(flow, Batch("w", 0), {name: [value] for name, value in row.items()})
        assert list(store.read(flow, *ALWAYS)) == [row]
    assert [each.flow for each in store.describe()] == sorted(f"some-{name}" for name in TABLES)
    assert MOVING_AVERAGE in TABLES.values() and SIGNALS in TABLES.values()


@pytest.mark.slow
def test_rows_expire(cassandra):
    text = cassandra.address("expiring", "?retention=15s").partition(":")[2]
    store = CassandraStore(address_of(text, cassandra.environ))
    store.write(FLOW, Batch("w", 0), rows(0))
    assert len(offsets(store)) == 10 and store.writers(FLOW.name) == {"w"}
    deadline = time.monotonic() + SECONDS
    while offsets(store) or store.describe() or store.writers(FLOW.name):
        assert time.monotonic() < deadline, f"waited {SECONDS} s for the rows to expire"
        time.sleep(0.2)
    assert store.newest(FLOW) is None
    store.close()


@pytest.mark.slow
@pytest.mark.long
def test_a_write_outlasts_a_crash_of_the_node(cassandra, store, monkeypatch):
    """It is killed between two batches and during one; what was acknowledged before stays."""
    store.write(FLOW, Batch("w", 0), rows(0, 500))
    cassandra.kill()
    with pytest.raises(UnreachableError, match="does not answer"):
        store.newest(FLOW)
    monkeypatch.setattr(store._driver._patience, "_seconds", SECONDS)
    writing = threading.Thread(target=store.write, args=(FLOW, Batch("w", 1), rows(1, 500)))
    writing.start()
    wait_until(lambda: "does not answer" in (store.problem or ""), "a store that is away")
    cassandra.start()
    writing.join(SECONDS)
    assert not writing.is_alive()
    assert store.problem is None
    assert sorted(offsets(store)) == list(range(1000))


@pytest.mark.slow
def test_a_wrong_password_is_one_clear_error(cassandra):
    text = cassandra.address("any").partition(":")[2]
    store = CassandraStore(address_of(text, {**cassandra.environ, "CASSANDRA_PASSWORD": "wrong"}))
    with pytest.raises(UnreachableError, match="and/or password are incorrect"):
        store.newest(FLOW)


@pytest.mark.slow
def test_a_node_takes_no_password_in_the_clear(cassandra):
    text = cassandra.address("any").partition(":")[2]
    store = CassandraStore(address_of(text, {"CASSANDRA_PASSWORD": cassandra.password}))
    with pytest.raises(UnreachableError, match="does not answer"):
        store.newest(FLOW)


def test_a_node_must_prove_who_it_is(tmp_path):
    """A write ends at once then, and is not repeated for a minute."""
    key_file, (key, certificate) = tmp_path / "key.pem", new_key("impostor", "127.0.0.1")
    key_file.write_text(key + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key_file)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                context.wrap_socket(connection, server_side=True)

        threading.Thread(target=serve).start()
        text = f"127.0.0.1:{server.getsockname()[1]}/any"
        store = CassandraStore(address_of(text, {"CASSANDRA_CA": new_key("cassandra", "127.0.0.1")[1]}))
        with pytest.raises(UnreachableError, match=r"does not prove who it is: .*self-signed"):
            store.write(FLOW, Batch("w", 0), rows(0))


def test_wrong_rows_are_refused_before_anything_is_sent():
    store = CassandraStore(address_of("127.0.0.1:1/any", {}))
    less = {name: values for name, values in rows(0).items() if name != "price"}
    for wrong, said in (
        (less, "missing or unknown: price"),
        ({**rows(0), "offset": [1]}, "differ in length"),
        ({**rows(0), "symbol": [None] * 10}, "column symbol has 10 nulls"),
    ):
        with pytest.raises(RowsError, match=said):
            store.write(FLOW, Batch("w", 0), wrong)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("cassandra:", "use cassandra:HOST:PORT/KEYSPACE"),
        ("cassandra:host:99999/a", "use cassandra:HOST:PORT/KEYSPACE"),
        ("cassandra:host:9042/A", "use cassandra:HOST:PORT/KEYSPACE"),
        ("cassandra:host:9042/a?retention=soon", "'soon'"),
        ("cassandra:host:9042/a?ttl=7d", "no option ttl"),
        ("cassandra:host:9042/a?replication=0", "must be at least 1"),
    ],
)
def test_wrong_addresses(address, said):
    with pytest.raises(AddressError, match=said):
        open_store(address)


def test_an_address_keeps_its_password_secret():
    address = address_of("a,b:9042/volatility?retention=7d&replication=3", {"CASSANDRA_PASSWORD": "hush"})
    assert (address.hosts, address.replication, address.login.name) == (("a", "b"), 3, "cassandra")
    assert address.retention == timedelta(days=7)
    assert "hush" not in repr(address)


def test_a_node_is_looked_for_every_second_without_end():
    cluster = cluster_of(address_of("127.0.0.1:9042/volatility", {}))
    try:
        pauses = list(islice(cluster.reconnection_policy.new_schedule(), 3600))
    finally:
        cluster.shutdown()
    assert len(pauses) == 3600 and max(pauses) <= 1


def test_flows_that_would_share_a_table_are_refused():
    assert table_of("random-numbers-statistics") == "random_numbers_statistics"
    for name in ("random_numbers", "1-price", "a" * 49):
        with pytest.raises(AddressError, match="in a database, a flow"):
            table_of(name)
