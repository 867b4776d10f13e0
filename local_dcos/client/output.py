"""Printing: JSON and tables exactly as the real client prints them."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

EMPTY = "---"
PADDING = "  "
Fields = Mapping[str, Callable[[Any], Any]]


def emit(text: Any) -> None:
    """Prints a text, or anything else as JSON; of an empty text, which an empty table is, nothing."""
    if text == "":
        return
    sys.stdout.write((text if isinstance(text, str) else as_json(text)) + "\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Prints to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def as_json(document: Any) -> str:
    """Returns sorted, indented JSON."""
    return json.dumps(document, sort_keys=True, indent=2)


def table(
    fields: Fields,
    rows: Iterable[Any],
    *,
    left: str = "",
    sort: str | None = None,
    limits: Mapping[str, int] | None = None,
) -> str:
    """Returns a table without borders, "" when it has no rows.

    Args:
        fields: The columns: a heading and how to get the cell out of a row. A missing key shows as N/A.
        left: The headings of the columns that are aligned left, separated by "|"; the others are centred.
        sort: The heading of the column to sort by.
        limits: The longest text of a column, longer ones are cut.
    """
    headings, rows = list(fields), list(rows)
    if not rows:
        return ""
    cells = [[_cell(row, fields[one], (limits or {}).get(one)) for one in headings] for row in rows]
    if sort is not None:
        position = headings.index(sort)
        cells.sort(key=lambda row: [row[position], *row])
    lines = [list(headings)]
    for row in cells:
        split = [cell.split("\n") for cell in row]
        height = max(len(parts) for parts in split)
        lines += [[parts[at] if at < len(parts) else "" for parts in split] for at in range(height)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    to_left = {headings.index(one) for one in left.split("|") if one}
    shown = []
    for line in lines:
        justified = [_justify(text, widths[at], to_left=at in to_left) for at, text in enumerate(line)]
        shown.append("".join(text + PADDING for text in justified))
    return "\n".join(shown)


def _cell(row: Any, get: Callable[[Any], Any], limit: int | None) -> str:
    try:
        text = str(get(row))
    except KeyError:
        text = "N/A"
    if limit is None:
        return text
    import textwrap

    return textwrap.shorten(text, width=limit, placeholder="...")


def _justify(text: str, width: int, *, to_left: bool) -> str:
    excess = width - len(text)
    if to_left:
        return text + " " * excess
    # An odd rest goes to the right of odd texts and to the left of even ones.
    before = excess // 2 + (1 if excess % 2 and not len(text) % 2 else 0)
    return " " * before + text + " " * (excess - before)
