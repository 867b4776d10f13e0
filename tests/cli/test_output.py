"""Tables stay useful on narrow terminals."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rich.console import Console

from cli import output as out
from kafka_topic.contracts import MovingAverage

RECORD = MovingAverage(
    "AAPL",
    datetime(2026, 11, 28, 8, 40, 19, tzinfo=UTC),
    datetime(2026, 11, 28, 8, 40, 29, tzinfo=UTC),
    500,
    229.3,
    229.3,
    230.38,
    229.9081,
    0.2522,
    0.1097,
)


def drawn(columns: tuple[str, ...], row: tuple[str, ...], width: int) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(out.table(columns, [row], width))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_a_screen_shows_whole_numbers_and_leaves_columns_out() -> None:
    row = out.record_row(RECORD)
    assert drawn(out.RECORD_COLUMNS, row, 120)[1].split("  ")[-1].strip() == "230.38"
    names, values = drawn(out.RECORD_COLUMNS, row, 80)
    assert (names.split()[-1], values.split()[-2:]) == ("min", ["0.1097", "229.30"])
    names, values = drawn(out.RECORD_COLUMNS, row, 74)
    assert (names.split()[-1], values.split()[-2:]) == ("%", ["0.2522", "0.1097"])


def test_only_a_long_text_at_the_end_is_cut() -> None:
    columns = ("time (UTC)", "symbol", "kind", "event", "side", "price", "reason")
    row = ("2026-11-28 08:40:29.000", "AAPL", "anomaly", "above", "-", "231.5", "a long reason " * 10)
    line = drawn(columns, row, 80)[1]
    assert line.split()[2:7] == ["AAPL", "anomaly", "above", "-", "231.5"]
    assert line.endswith("…") and len(line) <= 80


@pytest.mark.parametrize("columns", ["40", "80"])
def test_what_is_printed_once_is_never_cut(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    out.print_table(("component", "state", "detail"), [("kafka", "unhealthy", "no broker answers " * 20)])
    assert capsys.readouterr().out.splitlines()[1].split() == [
        *("kafka", "unhealthy"),
        *("no", "broker", "answers") * 20,
    ]
