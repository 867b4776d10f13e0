"""Opening a store by its address, which settings hold."""

from __future__ import annotations

from pathlib import Path

from stores.base import Store
from stores.errors import AddressError


def open_store(address: str) -> Store:
    """Open the store at `disk:FOLDER` or `cassandra:HOST:PORT/KEYSPACE`; nothing is contacted yet.

    Raises AddressError for any other address.
    """
    kind, _, location = address.partition(":")
    if kind == "disk" and location:
        from stores.disk import DiskStore

        return DiskStore(Path(location))
    if kind == "cassandra":
        from stores.cassandra import CassandraStore
        from stores.cql import address_of

        return CassandraStore(address_of(location))
    raise AddressError(f"store {address!r}: use disk:FOLDER or cassandra:HOST:PORT/KEYSPACE")
