"""Queries in a store's own language, which read and change nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from stores.errors import QueryError

# What MySQL executes, or lets override the limits of the session, is no comment: /*! and /*M! and /*+.
_COMMENTS = re.compile(r"/\*(?!M?!|\+).*?\*/|(--\s|#)[^\n]*", re.DOTALL)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`""", re.DOTALL)
_NO_TEXT = re.compile(rf"{_QUOTED.pattern}|{_COMMENTS.pattern}", re.DOTALL)
_REFUSED = re.compile(r"/\*(M?!|\+)|\b(?:OUTFILE|DUMPFILE)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Result:
    """The rows of a query. more: whether there are more rows than the limit."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    more: bool


@runtime_checkable
class Queryable(Protocol):
    """A store that answers queries in its own language."""

    def query(self, text: str, *, limit: int, seconds: float) -> Result:
        """The first `limit` rows of a query that only reads.

        Raises QueryError if the store refuses it, or takes longer than `seconds`.
        """


def check_reads(text: str, words: Sequence[str]) -> str:
    """The query without a semicolon at its end.

    Raises QueryError unless it begins with one of `words`, and if it writes a file on the server or holds a
    comment that the server executes.
    """
    statement = text.strip().rstrip(";").rstrip()
    first = _COMMENTS.sub(" ", statement).split(maxsplit=1)[:1]
    if not first or first[0].upper() not in words:
        raise QueryError(f"only queries that read are possible: they begin with {', '.join(words)}")
    if found := _REFUSED.search(_NO_TEXT.sub(" ", statement)):
        raise QueryError(f"only queries that read are possible: remove {found[0]}")
    return statement
