"""Opening a store by its address, which settings hold."""

from __future__ import annotations

from pathlib import Path

from stores.base import Store
from stores.errors import AddressError


def open_store(address: str) -> Store:
    """Open the store at `disk:FOLDER`, `hdfs:HOST:PORT/FOLDER`, `cassandra:HOST:PORT/KEYSPACE` or
    `mysql:HOST:PORT/DATABASE`.

    Nothing is contacted yet. Raises AddressError for any other address.
    """
    kind, _, location = address.partition(":")
    if kind == "disk" and location:
        from stores.disk import DiskStore

        return DiskStore(Path(location))
    if kind == "cassandra":
        from stores import cql
        from stores.cassandra import CassandraStore

        return CassandraStore(cql.address_of(location))
    if kind == "mysql":
        from stores import sql
        from stores.mysql import MySqlStore

        return MySqlStore(sql.address_of(location))
    if kind == "hdfs":
        from stores import webhdfs
        from stores.hdfs import HdfsStore

        return HdfsStore(webhdfs.address_of(location))
    raise AddressError(
        f"store {address!r}: use disk:FOLDER, hdfs:HOST:PORT/FOLDER, cassandra:HOST:PORT/KEYSPACE or "
        "mysql:HOST:PORT/DATABASE"
    )
