"""Prints results: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kafka_topic.contracts import MovingAverage, format_time

RECORD_COLUMNS = (
    "symbol",
    "window",
    "window end (UTC)",
    "count",
    "last",
    "mean",
    "stddev",
    "cv %",
    "min",
    "max",
)
_STYLES = {
    "healthy": "green",
    "fresh": "green",
    "up": "green",
    "live": "green",
    "absent": "red",
    "down": "red",
    "unhealthy": "red",
    "stale": "red",
    "silent": "red",
    "unreadable": "red",
    "broken": "red",
}
# The minimum width of a text that is cut.
_LEAST_TEXT = 10


def print_json(value: Any) -> None:
    """One JSON document, indented."""
    click.echo(json.dumps(value, indent=2))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], width: int | None = None) -> Table:
    """A plain table with coloured states.

    width: the maximum length of a line. Columns that do not fit are dropped from the right. Only text in the
    last column is cut, never a number.
    """
    cells = [columns, *rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    shown, gap = len(columns), 2
    if width is not None and sum(widths) + gap * (shown - 1) > width:
        gap = 1
        while shown > 1 and _left(width, widths[: shown - 1]) < min(widths[shown - 1], _LEAST_TEXT):
            shown -= 1
        widths[shown - 1] = min(widths[shown - 1], _left(width, widths[: shown - 1]))
    made = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for column, longest in zip(columns[:shown], widths, strict=False):
        made.add_column(column, no_wrap=True, width=longest)
    for row in cells[1:]:
        made.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row[:shown]))
    return made


def _left(width: int, before: Sequence[int]) -> int:
    """The space that remains after columns with one space after each."""
    return width - sum(before) - len(before)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table without cutting it; a narrow terminal wraps long lines. Only terminals get colours."""
    console, made = Console(highlight=False), table(columns, rows)
    needed = console.measure(made, options=console.options.update(max_width=10_000)).maximum
    console.width = max(console.width, needed)
    console.print(made)


def share(used: float | None, most: float | None) -> str:
    """`1.5 of 4`; `-` for what is unknown."""
    shown = "-" if used is None else f"{used:g}"
    return shown if most is None else f"{shown} of {most:g}"


def one_line(text: str) -> str:
    """External text without control characters, which could end a line or control the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def record_row(record: MovingAverage) -> tuple[str, ...]:
    """A `movingaverage` record as a row under RECORD_COLUMNS."""
    return (
        record.symbol,
        record.window,
        format_time(record.window_end),
        str(record.count),
        f"{record.last:.2f}",
        f"{record.mean:.4f}",
        _optional(record.stddev),
        _optional(record.cv),
        f"{record.min:.2f}",
        f"{record.max:.2f}",
    )


def _optional(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
