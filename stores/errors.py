"""The package's error hierarchy.

StoreError
├── AddressError      an address or a name is invalid
├── QueryError        a query is refused, or takes too long
├── RowsError         rows do not match their table
├── BrokenError       stored data cannot be read
└── UnreachableError  the store does not answer, or refuses the login
    └── AwayError     it may answer soon
"""

from __future__ import annotations


class StoreError(Exception):
    """Base class of the errors of this package."""


class AddressError(StoreError, ValueError):
    """The address of a store, or the name of a flow or of a writer, is invalid."""

    exit_code = 2


class QueryError(StoreError):
    """A query is refused, or takes too long."""


class RowsError(StoreError, ValueError):
    """Rows do not match the table that they are written to."""


class BrokenError(StoreError):
    """Stored data cannot be read."""


class UnreachableError(StoreError):
    """The store does not answer, or refuses the login."""


class AwayError(UnreachableError):
    """The store does not answer now. It may do so soon, so the same can be tried again."""
