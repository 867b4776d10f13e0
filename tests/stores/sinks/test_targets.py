"""What a sink writes to a store, with stores that only note it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from kafka_topic.contracts import Signal
from kafka_topic.names import Topics
from stores.base import Batch, Columns, Store
from stores.sinks.errors import SourceError
from stores.sinks.portions import Portion
from stores.sinks.sources import sources_of
from stores.sinks.targets import StoreTarget
from stores.tables import Flow

AT = datetime(2026, 11, 22, tzinfo=UTC)
SIGNAL = Signal("limit", "reached", "AAPL", AT, None, "buy", 1.0, 1.0, 2.0, None, None, None, "reached")


class Noting:
    """A store that notes the writers of batches."""

    problem: str | None = None

    def __init__(self, *, keyed: bool) -> None:
        self.keyed = keyed
        self.noted: list[Batch] = []

    def write(self, flow: Flow, batch: Batch, columns: Columns) -> None:
        self.noted.append(batch)

    def writers(self, flow: str) -> set[str]:
        return {batch.writer for batch in self.noted}


class Record:
    def offset(self) -> int:
        return 7

    def value(self) -> bytes:
        return SIGNAL.to_json()


def target_of(store: Noting) -> StoreTarget:
    sources = sources_of(["signals"], Topics(), [])
    return StoreTarget(cast(Store, store), sources, {"signals": "Tk1"}, label="the store x", most=10)


def write(store: Noting, reading: str) -> None:
    """Write a portion as a new process does. reading: the id of its reading."""
    assert target_of(store).write(Portion(("signals", 0), reading, "Tk1", 7, 8, cast(Any, [Record()])))


def test_a_store_that_knows_its_keys_takes_records_again_after_a_group_has_lost_its_offsets():
    # A sink that is killed before its first commit has lost them too.
    store = Noting(keyed=True)
    write(store, "first")
    write(store, "second")
    assert [batch.number for batch in store.noted] == [7, 7]


def test_a_store_of_batches_does_not():
    store = Noting(keyed=False)
    write(store, "first")
    write(store, "first")
    with pytest.raises(SourceError, match="the group has lost its offsets"):
        write(store, "second")
    assert len(store.noted) == 2


def test_a_target_says_what_its_store_waits_for():
    store = Noting(keyed=True)
    assert target_of(store).problem is None
    store.problem = "MySQL at db:3306 does not answer"
    assert target_of(store).problem == "MySQL at db:3306 does not answer"
