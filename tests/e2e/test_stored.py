"""How a store differs from the records of a topic, found on a store on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kafka_topic.contracts import MovingAverage
from stores.base import Batch
from stores.disk import DiskStore
from stores.records import KINDS
from stores.tables import MOVING_AVERAGE, Flow
from tests.e2e.stored import Difference, Values, difference
from tests.stores.batches import ALWAYS
from tests.stores.sinks.test_sink import record

FLOW, NAMES = Flow("movingaverage", MOVING_AVERAGE), MOVING_AVERAGE.names
RECORDS = [record(number) for number in range(6)]
FIVE = RECORDS[:5]


def rows(records: list[MovingAverage]) -> list[Values]:
    return [KINDS["movingaverage"].row(each.to_json(), "movingaverage", 0, 0) for each in records]


def kept(folder: Path, *batches: list[MovingAverage]) -> list[Values]:
    """What a store gives back."""
    store = DiskStore(folder)
    for number, batch in enumerate(batches):
        columns = dict(zip(NAMES, zip(*rows(batch), strict=True), strict=True))
        store.write(FLOW, Batch("w", number), columns)
    return [tuple(row[name] for name in NAMES) for row in store.read(FLOW, *ALWAYS)]


@pytest.mark.parametrize(
    ("batches", "found"),
    [
        ([FIVE], Difference(5, missing=0, doubled=0, wrong=0)),
        ([FIVE[:3], FIVE[4:]], Difference(5, missing=1, doubled=0, wrong=0)),
        ([FIVE, FIVE[3:4]], Difference(5, missing=0, doubled=1, wrong=0)),
        ([[*FIVE[:4], replace(FIVE[4], mean=0.5)]], Difference(5, missing=0, doubled=0, wrong=1)),
        ([RECORDS], Difference(5, missing=0, doubled=0, wrong=1)),
    ],
    ids=["same", "missing", "doubled", "other value", "no record"],
)
def test_a_store_is_compared_row_by_row(tmp_path, batches, found):
    assert difference(MOVING_AVERAGE, rows(FIVE), kept(tmp_path, *batches)) == found
    assert bool(found) == (batches != [FIVE])
