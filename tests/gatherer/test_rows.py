"""What Java hands over is read as it was meant: PaneBytesTest.java has the other half of these tests."""

from __future__ import annotations

import struct
from pathlib import Path

from gatherer.panes import Histogram, Pane
from gatherer.rows import LETTER, PANES, Row, entries_of, panes_of, rows_of
from tests.gatherer.batches import batch_of

EXAMPLE = Path(__file__).parents[2] / "gatherer/java/src/test/resources/panes.hex"


def test_the_rows_of_a_batch_are_read() -> None:
    panes = Row(PANES, 5, 0, 0, 0, "AAPL", b"", "position.AAPL", None, None)
    letter = Row(LETTER, 0, 2, 3, 4, None, b"\xff\0", "tüpic", "reason", "")
    assert list(rows_of(batch_of(panes, letter))) == [panes, letter]
    assert list(rows_of(b"")) == []


def test_the_entries_of_a_position_are_read() -> None:
    content = struct.pack(">qi", -1, 2) + b"ab" + struct.pack(">qi", 1000, 0)
    assert list(entries_of(content)) == [(-1, b"ab"), (1000, b"")]


def test_the_example_is_read() -> None:
    price = 99_999_999_999_999_999
    first = Pane(
        end_ms=1_001_000,
        n=3,
        total=23_832_000_000 - 10,
        sum_of_squares=23_832_000_000**2 + 50,
        low=-5,
        low_ms=1_000_100,
        high=23_832_000_000,
        high_ms=1_000_200,
        last=23_832_000_000,
        last_ms=1_000_200,
        last_order=8193,
        histogram=Histogram.of({-5: 2, 23_832_000_000: 1}),
    )
    second = Pane(
        end_ms=1_002_000,
        n=1,
        total=price,
        sum_of_squares=price**2,
        low=price,
        low_ms=1_001_000,
        high=price,
        high_ms=1_001_000,
        last=price,
        last_ms=1_001_000,
        last_order=1,
        histogram=None,
    )
    content = bytes.fromhex(EXAMPLE.read_text())
    assert list(panes_of(content)) == [(1_003_000, first), (1_003_000, second)]


def test_no_content_is_no_panes() -> None:
    assert list(panes_of(None)) == []
