"""The room's error hierarchy.

StoreError
├── AddressError   what names a store can't be read
├── RowsError      what is to be written does not fit its table
└── BrokenError    what lies in the store can't be read
"""

from __future__ import annotations


class StoreError(Exception):
    """Root of everything that this room raises on purpose."""


class AddressError(StoreError, ValueError):
    """The address of a store, or the name of a flow or of a writer, can't be read."""


class RowsError(StoreError, ValueError):
    """Rows do not fit the table that they are written to."""


class BrokenError(StoreError):
    """What lies in the store can't be read."""
