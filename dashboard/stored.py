"""Reads what flows have left in their stores. However many viewers there are, a store is asked rarely."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from stores.base import Row, Store
from stores.errors import StoreError
from stores.opening import open_store
from stores.tables import GROUPS, Flow

SPAN = timedelta(minutes=15)
"""How much is shown of what is stored by time: the last part, however old it is."""
MOST_ROWS = 5000
NEWEST_SECONDS = 2.0
ROWS_SECONDS = 30.0
"""How old an answer may be: of the newest row, and of the number of all rows, which takes longer to find."""
PAUSE_PER_COUNT = 20
"""The number of rows is kept for so many times as long as it took to find: counting takes minutes in a large
store, which it must not keep busy.
"""
T = TypeVar("T")


@dataclass(frozen=True)
class State:
    """How a flow is in its store. rows: None while unknown. problem: why the store can't be read."""

    newest: datetime | None = None
    rows: int | None = None
    problem: str | None = None


class StoredFlows:
    """The flows in the stores. addresses: of each kind of store."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._open: dict[str, Store] = {}
        self._kept: dict[tuple[str, str], tuple[float, Any]] = {}
        """Until when, on the monotonic clock, and the answer."""
        self._locks: dict[str, asyncio.Lock] = {}

    def has(self, kind: str) -> bool:
        """Whether the address of a kind of store is known."""
        return kind in self._addresses

    async def state(self, kind: str, flow: Flow) -> State:
        """How a flow is in a store."""
        try:
            newest = await self._ask(kind, flow.name, NEWEST_SECONDS, lambda store: store.newest(flow))
            if newest is None:
                return State(rows=0)
            counts = await self._ask(kind, "", ROWS_SECONDS, _counts, pause=PAUSE_PER_COUNT)
            return State(newest, counts.get(flow.name))
        except StoreError as error:
            return State(problem=str(error))

    async def rows(self, kind: str, flow: Flow) -> list[Row]:
        """The last rows of a flow, oldest first; of groups, those of the last run. Raises StoreError."""

        def read(store: Store) -> list[Row]:
            newest = store.newest(flow)
            if newest is None:
                return []
            start = newest if flow.table is GROUPS else newest - SPAN
            return list(store.read(flow, start, newest + timedelta(milliseconds=1)))[-MOST_ROWS:]

        rows: list[Row] = await self._ask(kind, f"{flow.name} rows", NEWEST_SECONDS, read)
        return rows

    async def _ask(
        self, kind: str, what: str, seconds: float, ask: Callable[[Store], T], *, pause: int = 0
    ) -> T:
        """The answer of a store, or a recent one. A store answers one question at a time.

        An answer is kept for `seconds`, and at least `pause` times as long as it took. An error is kept, too,
        for NEWEST_SECONDS: a store that is away is not asked for each viewer.
        """
        async with self._locks.setdefault(kind, asyncio.Lock()):
            until, answer = self._kept.get((kind, what), (float("-inf"), None))
            if (began := time.monotonic()) >= until:
                try:
                    answer = await asyncio.to_thread(lambda: ask(self._store(kind)))
                except StoreError as error:
                    answer, seconds, pause = error, NEWEST_SECONDS, 0
                now = time.monotonic()
                self._kept[kind, what] = now + max(seconds, pause * (now - began)), answer
            if isinstance(answer, StoreError):
                raise answer.with_traceback(None)
            found: T = answer
            return found

    def _store(self, kind: str) -> Store:
        if kind not in self._open:
            self._open[kind] = open_store(self._addresses[kind])
        return self._open[kind]


def _counts(store: Store) -> dict[str, int]:
    return {each.flow: each.rows for each in store.describe()}
