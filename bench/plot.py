"""Draws a table of figures as an SVG of bars, with the spread of the rounds."""

from __future__ import annotations

from html import escape

from results import Table

_ROW, _LEFT, _BAR, _RIGHT = 26, 250, 420, 150


def bars(table: Table) -> str:
    """One bar per variant; a line spans the smallest and the largest figure."""
    top = max(max(figures) for figures in table.rounds.values()) or 1.0
    height = _ROW * (len(table.rounds) + 2)
    width = _LEFT + _BAR + _RIGHT
    title = f"{table.title} ({table.unit}, {'less' if table.is_cost else 'more'} is better)"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="8" y="18" font-weight="bold">{escape(title)}</text>',
    ]
    for number, (variant, figures) in enumerate(table.rounds.items(), 1):
        y = _ROW * number + 6
        middle = table.medians[variant]
        low, high = (_LEFT + _BAR * figure / top for figure in (min(figures), max(figures)))
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(variant)}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{_BAR * middle / top:.1f}" height="18" fill="#4c78a8"/>',
            f'<path d="M{low:.1f} {y + 9}H{high:.1f}M{low:.1f} {y + 4}v10M{high:.1f} {y + 4}v10" '
            'stroke="#222" fill="none"/>',
            f'<text x="{_LEFT + _BAR + 10}" y="{y + 14}">{middle:,.4g}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
