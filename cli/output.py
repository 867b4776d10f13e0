"""Results on stdout: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click
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
    "absent": "red",
    "unhealthy": "red",
    "stale": "red",
    "silent": "red",
    "unreadable": "red",
}


def print_json(value: Any) -> None:
    """One JSON document, indented."""
    click.echo(json.dumps(value, indent=2))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A plain table; words that mean a state have their colour."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, no_wrap=True)
    for row in rows:
        made.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    return made


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; coloured only on a terminal, and never cut when it is read by a program."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    console.print(table(columns, rows))


def one_line(text: str) -> str:
    """Text of others, made harmless: no control characters, which could end a line or drive a terminal."""
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
