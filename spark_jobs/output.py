"""The report as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from spark_jobs.figures import UNITS, Figures, price_of, price_text
from spark_jobs.report import METHODS, Report

_HEADING = ("SYMBOL", "COUNT", "MIN", "MAX", "MEAN", "STDDEV", "MEDIAN", "MAD")


def as_json(report: Report) -> str:
    """The whole report as JSON: prices with all their decimals, null for undefined values."""
    document = {
        "read": report.read,
        "messages": report.messages,
        "broken": {"count": report.broken, "first": report.broken_named},
        "symbols": [
            {
                "symbol": each.symbol,
                "count": each.sums.count,
                "min": each.low / UNITS,
                "max": each.high / UNITS,
                "mean": each.sums.mean(),
                "stddev": each.sums.stddev(),
                "median": each.median2 / (2 * UNITS),
                "mad": each.mad4 / (4 * UNITS),
            }
            for each in report.figures
        ],
        "outliers": {
            method: [{"ts": o.ts, "symbol": o.symbol, "price": float(o.price)} for o in found]
            for method, found in report.outliers.items()
        },
    }
    return json.dumps(document, indent=2)


def as_table(report: Report) -> str:
    """The report in plain text."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from report.read
    yield f"messages: {report.messages}"
    if report.broken:
        yield f"invalid messages: {report.broken}"
        yield from (f"  {each}" for each in report.broken_named)
        if report.broken > len(report.broken_named):
            yield f"  and {report.broken - len(report.broken_named)} more"
    if not report.figures:
        return
    yield ""
    yield from aligned([_HEADING, *map(_cells, report.figures)], texts=1)
    for method, found in report.outliers.items():
        yield ""
        yield f"outliers, {METHODS[method]}: {len(found)}"
        if found:
            cells = [(each.ts, each.symbol, price_text(each.price)) for each in found]
            yield from aligned([("TIME", "SYMBOL", "PRICE"), *cells], texts=2)


def _cells(each: Figures) -> tuple[str, ...]:
    deviation = each.sums.stddev()
    return (
        each.symbol,
        str(each.sums.count),
        price_text(price_of(each.low)),
        price_text(price_of(each.high)),
        f"{each.sums.mean():.6f}",
        "-" if deviation is None else f"{deviation:.6f}",
        f"{each.median2 / (2 * UNITS):.6f}",
        f"{each.mad4 / (4 * UNITS):.6f}",
    )


def aligned(rows: Sequence[Sequence[str]], texts: int) -> Iterator[str]:
    """Lines of a table: the first `texts` columns are aligned left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        yield "  ".join(
            cell.ljust(width) if at < texts else cell.rjust(width) for at, (cell, width) in enumerate(cells)
        )
