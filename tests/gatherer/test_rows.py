"""What Java hands over is read as it was meant: AnalysisRowTest.java has the other half of these tests."""

from __future__ import annotations

from pathlib import Path

from gatherer.panes import Pane
from gatherer.rows import FIELD_TYPES, LETTER, LIMITS, PANES, Row, TimedPane, panes_of

EXAMPLE = Path(__file__).parents[2] / "gatherer/java/src/test/resources/panes.hex"


def test_fields_and_kinds_are_those_of_the_description() -> None:
    assert tuple(FIELD_TYPES) == Row._fields
    assert (PANES, LETTER, LIMITS) == ("panes", "letter", "limits")


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
        histogram={-5: 2, 23_832_000_000: 1},
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
    assert list(panes_of(content)) == [TimedPane(1_003_000, first), TimedPane(1_003_000, second)]


def test_no_content_is_no_panes() -> None:
    assert list(panes_of(None)) == []
