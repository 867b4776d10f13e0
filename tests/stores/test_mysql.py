"""The store in a real MariaDB: every row once, whatever is repeated, killed or started again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pymysql
import pytest

from local_dcos.services.keys import new_key
from stores import patience
from stores.base import Batch
from stores.errors import AddressError, QueryError, RowsError, UnreachableError
from stores.mysql import MySqlStore
from stores.mysql_driver import Driver
from stores.opening import open_store
from stores.sql import Address, address_of
from stores.tables import TABLES, Flow
from tests.gatherer.flink import wait_until
from tests.mysql_server import MySqlServer
from tests.ports import free_ports
from tests.stores.batches import ALWAYS, FLOW, START, rows

SECONDS = 240.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MySqlServer]:
    folder: Path = tmp_path_factory.mktemp("mysql")
    with MySqlServer(folder, *free_ports(2)) as started:
        yield started


def opened(server: MySqlServer) -> MySqlStore:
    return MySqlStore(address_of(server.address.partition(":")[2], server.environ))


def offsets(store: MySqlStore, flow: Flow = FLOW) -> list[int]:
    return [row["offset"] for row in store.read(flow, *ALWAYS)]


@pytest.mark.slow
def test_a_real_server_keeps_every_row_once(server, monkeypatch):
    """The whole contract of a store in one test, because a server's start takes longer than the rest."""
    store = opened(server)
    assert list(store.read(FLOW, *ALWAYS)) == []
    assert (store.newest(FLOW), store.describe(), store.writers(FLOW.name)) == (None, [], set())

    for number in (1, 0, 1):
        store.write(FLOW, Batch("w", number), rows(number, 150))
    given = rows(0, 300)
    wanted = [dict(zip(given, values, strict=True)) for values in zip(*given.values(), strict=True)]
    assert list(store.read(FLOW, *ALWAYS)) == wanted
    assert [row["offset"] for row in store.read(FLOW, *ALWAYS, names={"AAPL"})] == list(range(1, 300, 2))
    assert list(store.read(FLOW, *ALWAYS, names=set())) == []
    two = store.read(FLOW, START + timedelta(seconds=9), START + timedelta(seconds=11))
    assert [row["offset"] for row in two] == [9, 10]
    assert store.newest(FLOW) == START + timedelta(seconds=299)
    assert (store.writers(FLOW.name), store.writers("other")) == ({"w"}, set())
    [found] = store.describe()
    assert (found.flow, found.rows, found.first, found.last) == ("prices", 300, "2026-11-22", "2026-11-23")

    # Nulls, reserved words as names, every kind of column; texts that differ in case or blanks only.
    values = {"time": START, "text": "AAPL", "whole": 3, "number": 1.5, "price": Decimal("1.25")}
    for name, table in TABLES.items():
        flow = Flow(f"some-{name}", table)
        row = {each.name: None if each.optional else values[each.kind] for each in table.columns}
        store.write(flow, Batch("w", 0), {name: [value] for name, value in row.items()})
        assert list(store.read(flow, *ALWAYS)) == [row]
    groups = Flow("groups", TABLES["groups"])
    alike = ["a", "A", "a ", "á"]
    figures = {name: [1] * 4 for name in ("count", "mean", "stddev", "min", "max")}
    columns = {"ts": [START] * 4, "name": alike, "group": ["g"] * 4, "unit": ["u"] * 4, **figures}
    store.write(groups, Batch("w", 0), columns)
    assert {row["name"] for row in store.read(groups, *ALWAYS)} == set(alike)

    with pytest.raises(RowsError, match="refuses rows"):
        store.write(FLOW, Batch("w", 2), {**rows(2), "symbol": ["A" * 300] * 10})
    assert len(offsets(store)) == 300

    answer = store.query("SELECT symbol, COUNT(*) AS n FROM prices GROUP BY symbol;", limit=1, seconds=30)
    assert (answer.columns, answer.rows, answer.more) == (["symbol", "n"], [("AAPL", 150)], True)
    for statement, said in (
        ("DROP TABLE prices", "they begin with SELECT"),
        ("WITH a AS (SELECT 1) DELETE FROM prices", "DELETE|READ ONLY"),
        ("SELECT nothing FROM prices", "Unknown column"),
        ("SELECT * FROM prices INTO OUTFILE '/tmp/prices'", "remove OUTFILE"),
        ("SELECT SLEEP(30)", "took longer than 0.5 s"),
    ):
        with pytest.raises(QueryError, match=said):
            store.query(statement, limit=10, seconds=0.5)

    # It is killed during a write, which goes on when it is back; what was acknowledged stays.
    server.kill()
    with pytest.raises(UnreachableError, match="does not answer"):
        opened(server).newest(FLOW)
    monkeypatch.setattr(store._driver._patience, "_seconds", SECONDS)
    writing = threading.Thread(target=store.write, args=(FLOW, Batch("w", 2), rows(2, 150)))
    writing.start()
    wait_until(lambda: "does not answer" in (store.problem or ""), "a store that is away")
    server.start()
    writing.join(SECONDS)
    assert not writing.is_alive()
    assert store.problem is None
    assert offsets(store) == list(range(450))

    # While it hangs, there is no error.
    monkeypatch.setattr(patience, "SILENT_SECONDS", 0.5)
    with server.frozen():
        writing = threading.Thread(target=store.write, args=(FLOW, Batch("w", 3), rows(3, 150)))
        writing.start()
        said = f"MySQL at 127.0.0.1:{server.port} has not finished a request for"
        wait_until(lambda: said in (store.problem or ""), "a store that hangs")
    writing.join(SECONDS)
    assert not writing.is_alive()
    assert store.problem is None
    assert offsets(store) == list(range(600))
    store.close()

    _, other = new_key("other", "127.0.0.1")
    for wrong, said in (
        ({"MYSQL_PASSWORD": "wrong"}, "refuses the login"),
        ({"MYSQL_CA": other}, "does not prove who it is: .*self"),
    ):
        refused = MySqlStore(address_of(server.address.partition(":")[2], {**server.environ, **wrong}))
        with pytest.raises(UnreachableError, match=said):
            refused.newest(FLOW)

    login = {"user": "pipectl", "password": server.password}
    with pytest.raises(pymysql.OperationalError, match="insecure transport are prohibited"):
        pymysql.connect(host="127.0.0.1", port=server.port, ssl_disabled=True, **login)


@pytest.mark.slow
def test_a_server_without_tls_is_refused_where_it_must_prove_who_it_is(tmp_path):
    _, ca = new_key("mysql", "127.0.0.1")
    with MySqlServer(tmp_path, *free_ports(2), tls=False) as plain:
        address, login = plain.address.partition(":")[2], {"MYSQL_PASSWORD": plain.password}
        store = MySqlStore(address_of(address, login | {"MYSQL_CA": ca}))
        with pytest.raises(UnreachableError, match="does not prove who it is"):
            store.write(FLOW, Batch("w", 0), rows(0))
        assert offsets(MySqlStore(address_of(address, login))) == []


@pytest.mark.parametrize("address", ["mysql:", "mysql:host:99999/a", "mysql:host:3306/A", "mysql:host:3306"])
def test_wrong_addresses(address):
    with pytest.raises(AddressError, match="use mysql:HOST:PORT/DATABASE"):
        open_store(address)


def test_an_address_keeps_its_password_secret():
    address = address_of("a:3306/volatility", {"MYSQL_PASSWORD": "hush"})
    assert (address.host, *address.login) == ("a", "pipectl", "hush", None)
    assert "hush" not in repr(address)


def test_wrong_rows_are_refused_before_anything_is_sent():
    store = MySqlStore(address_of("127.0.0.1:1/any", {}))
    with pytest.raises(RowsError, match="differ in length"):
        store.write(FLOW, Batch("w", 0), {**rows(0), "offset": [1]})


def test_a_server_that_stops_is_waited_for_and_a_missing_database_is_named(monkeypatch):
    driver = Driver(Address("db.example.com", 3306, "volatility_dev"))
    said = iter([(1927, "Connection was killed"), (1049, "Unknown database 'volatility_dev'")])

    def refuse() -> None:
        raise pymysql.err.OperationalError(*next(said))

    monkeypatch.setattr(driver, "_connected", refuse)
    monkeypatch.setattr("stores.patience.PAUSE_SECONDS", 0.0)
    with pytest.raises(UnreachableError, match=r"Unknown database .* owns the database volatility_dev"):
        driver.write("SELECT 1")
