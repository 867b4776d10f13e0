"""The address of a store in MySQL, and the SQL of its tables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from stores.base import table_of
from stores.errors import AddressError
from stores.login import NOBODY, Login, login_of
from stores.tables import Column, Flow, Kind

FORM = "mysql:HOST:PORT/DATABASE"
BY_TIME = "by_time"
"""The index of each table's time, by which a store knows its own tables."""
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]+):(?P<port>[0-9]{1,5})/(?P<database>[a-z][a-z0-9_]{0,47})")
_TYPES: dict[Kind, str] = {
    "time": "DATETIME(3)",
    "text": "TEXT",
    "whole": "BIGINT",
    "number": "DOUBLE",
    "price": "DECIMAL(17, 8)",
}
_KEY_TEXT = "VARCHAR(255)"
"""Of a text that is part of a key. Names of topics are the longest, with 249 characters."""
# Texts that differ in case, or in blanks at their end, are different keys. MariaDB and MySQL spell it
# differently, and each ignores the comment of the other.
_TEXTS = "CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */"
WRITERS_TABLE = "_writers"
"""Who has written to each flow. No flow has this name, since those begin with a letter."""
WRITERS = (
    f"CREATE TABLE IF NOT EXISTS {WRITERS_TABLE} (flow {_KEY_TEXT} NOT NULL, writer {_KEY_TEXT} NOT NULL, "
    f"PRIMARY KEY (flow, writer)) {_TEXTS}"
)
WRITER_INSERTION = f"INSERT IGNORE INTO {WRITERS_TABLE} VALUES (%s, %s)"  # noqa: S608  our own table


@dataclass(frozen=True)
class Address:
    """Where a store is, and how to log in."""

    host: str
    port: int
    database: str
    login: Login = field(default=NOBODY, repr=False)


def address_of(text: str, environ: Mapping[str, str] = os.environ) -> Address:
    """The address in "HOST:PORT/DATABASE".

    MYSQL_PASSWORD is the password of the login MYSQL_LOGIN (default: pipectl). MYSQL_CA holds the
    certificates of those who vouch for the server; without it, the server need not prove who it is. Raises
    AddressError.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise AddressError(
            f"store mysql:{text}: use {FORM}; the name of a database has lower-case letters, digits and '_'"
        )
    login = login_of("MYSQL", "pipectl", environ)
    return Address(found["host"], int(found["port"]), found["database"], login)


def definition_of(flow: Flow) -> str:
    """The definition of a flow's table."""
    table = flow.table

    def column(each: Column) -> str:
        is_key_text = each.kind == "text" and each.name in (*table.key, table.name)
        kind = _KEY_TEXT if is_key_text else _TYPES[each.kind]
        return f"`{each.name}` {kind} {'NULL' if each.optional else 'NOT NULL'}"

    columns = ", ".join(map(column, table.columns))
    return (
        f"CREATE TABLE IF NOT EXISTS `{table_of(flow.name)}` ({columns}, PRIMARY KEY ({quoted(_key(flow))}), "
        f"INDEX {BY_TIME} (`{table.time}`)) {_TEXTS}"
    )


def insertion_of(flow: Flow) -> str:
    """The statement that writes a row; it replaces the values of a row with the same key."""
    table = flow.table
    marks = ", ".join(["%s"] * len(table.names))
    others = [name for name in table.names if name not in _key(flow)]
    changes = ", ".join(f"`{name}` = VALUES(`{name}`)" for name in others)
    return (
        f"INSERT INTO `{table_of(flow.name)}` ({quoted(table.names)}) "  # noqa: S608  our own table
        f"VALUES ({marks}) ON DUPLICATE KEY UPDATE {changes}"
    )


def selection_of(flow: Flow, names: int | None) -> str:
    """The query for rows between two times, in order. names: how many names it asks for; None: for all."""
    table = flow.table
    order = quoted(dict.fromkeys((table.time, *table.key)))
    chosen = "" if names is None else f" AND `{table.name}` IN ({', '.join(['%s'] * names)})"
    return (
        f"SELECT {quoted(table.names)} FROM `{table_of(flow.name)}` "  # noqa: S608  our own table
        f"WHERE `{table.time}` >= %s AND `{table.time}` < %s{chosen} ORDER BY {order}"
    )


def _key(flow: Flow) -> dict[str, None]:
    """The columns that identify a row.

    With the time, as in Cassandra: a topic that is deleted and made again has other records at the same
    offsets, which must not replace the old ones.
    """
    return dict.fromkeys((*flow.table.key, flow.table.time))


def quoted(names: tuple[str, ...] | dict[str, None]) -> str:
    """Names of columns in a list."""
    return ", ".join(f"`{name}`" for name in names)
