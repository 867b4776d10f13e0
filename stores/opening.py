"""Opening a store by its address, which settings hold."""

from __future__ import annotations

from pathlib import Path

from stores.base import Store
from stores.errors import AddressError


def open_store(address: str) -> Store:
    """Open the store at `disk:FOLDER`. Raises AddressError for any other address."""
    kind, _, place = address.partition(":")
    if kind == "disk" and place:
        from stores.disk import DiskStore

        return DiskStore(Path(place))
    raise AddressError(f"store {address!r}: use disk:FOLDER")
