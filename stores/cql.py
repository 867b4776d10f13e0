"""The address of a store in Cassandra, and the CQL of its tables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from kafka_topic.windows import window_length
from stores.base import table_of
from stores.errors import AddressError
from stores.login import NOBODY, Login, login_of
from stores.tables import Flow, Kind

FORM = "cassandra:HOST:PORT/KEYSPACE"
HOUR = timedelta(hours=1)
_ADDRESS = re.compile(
    r"(?P<hosts>[A-Za-z0-9.-]+(,[A-Za-z0-9.-]+)*):(?P<port>[0-9]{1,5})/(?P<keyspace>[a-z][a-z0-9_]{0,47})(\?(?P<more>\S*))?"
)
_TYPES: dict[Kind, str] = {
    "time": "timestamp",
    "text": "text",
    "whole": "bigint",
    "number": "double",
    "price": "decimal",
}


@dataclass(frozen=True)
class Address:
    """Where a store is.

    retention: how long a row stays after it was written; None: forever. replication: replicas of each row in
    a new keyspace.
    """

    hosts: tuple[str, ...]
    port: int
    keyspace: str
    retention: timedelta | None = None
    replication: int = 1
    login: Login = field(default=NOBODY, repr=False)


def address_of(text: str, environ: Mapping[str, str] = os.environ) -> Address:
    """The address in "HOST,HOST:PORT/KEYSPACE?retention=7d&replication=3".

    CASSANDRA_PASSWORD is the password of the login CASSANDRA_LOGIN (default: cassandra). CASSANDRA_CA holds
    the certificates of those who vouch for the nodes; without it, connections are not encrypted. Raises
    AddressError.
    """
    found = _ADDRESS.fullmatch(text)
    if found is None or not 0 < int(found["port"]) < 2**16:
        raise AddressError(
            f"store cassandra:{text}: use {FORM}; the name of a keyspace has letters, digits and '_'"
        )
    options = dict(parse_qsl(found["more"] or "", keep_blank_values=True))
    if unknown := options.keys() - {"retention", "replication"}:
        raise AddressError(
            f"store cassandra:{text}: no option {min(unknown)}; there are retention and replication"
        )
    try:
        retention = window_length(options["retention"]) if "retention" in options else None
        replication = int(options.get("replication", 1))
    except ValueError as error:
        raise AddressError(f"store cassandra:{text}: {error}") from error
    if replication < 1 or (retention is not None and retention < timedelta(seconds=1)):
        raise AddressError(f"store cassandra:{text}: replication and retention in seconds must be at least 1")
    login = login_of("CASSANDRA", "cassandra", environ)
    hosts = tuple(found["hosts"].split(","))
    return Address(hosts, int(found["port"]), found["keyspace"], retention, replication, login)


def keyspace_of(address: Address) -> str:
    """The definition of the keyspace."""
    return (
        f"CREATE KEYSPACE IF NOT EXISTS {address.keyspace} WITH replication = "
        f"{{'class': 'SimpleStrategy', 'replication_factor': {address.replication}}}"
    )


def definition_of(keyspace: str, flow: Flow, retention: timedelta | None) -> str:
    """The definition of a flow's table: a partition for each hour, with rows in the order of time and key."""
    table = flow.table
    columns = ", ".join(f'"{column.name}" {_TYPES[column.kind]}' for column in table.columns)
    order = ", ".join(f'"{name}"' for name in dict.fromkeys((table.time, *table.key)))
    return (
        f"CREATE TABLE IF NOT EXISTS {keyspace}.{table_of(flow.name)} (bucket timestamp, {columns}, "
        f"PRIMARY KEY (bucket, {order})) WITH {expiry_of(retention)}"
    )


def expiry_of(retention: timedelta | None) -> str:
    """The table option for the retention."""
    return f"default_time_to_live = {0 if retention is None else int(retention.total_seconds())}"


def bucket_of(time: datetime) -> datetime:
    """The hour that a time is in, UTC."""
    return time.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
