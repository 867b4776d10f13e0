"""Runs a bundle at a steady rate: do memory, threads, open files, disk and lag stay bounded?

    python bench/soak.py [--minutes 10] [--rate 50] [--turnover] [--plot soak.svg]

A bundle is deployed in a folder of its own, which is removed afterwards. The table shows each figure at the
beginning, at its highest and at the end, and by how much its last quarter is above its second one. With
--turnover, topics keep records for 20 s only, and an app writes a megabyte of log a second: Kafka must delete
records, and the log must be rotated. The exit code is 1 if anything grows beyond the bounds of
`tests/e2e/soak.py`.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from html import escape
from pathlib import Path

from bundle import bundle  # first: it lets the next ones be found

from tests.e2e.soak import MEMORY_MINUTES, TURNOVER, Samples, faults, growth, sample, talker

WIDTH, HEIGHT, LEFT, LEGEND, TOP = 620, 150, 60, 180, 30
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999", "#7f3c8d")


def plot(samples: Samples) -> str:
    """One panel for each kind of figure, from 0 to its highest, over minutes."""
    panels: dict[str, list[tuple[str, list[float]]]] = {}
    for kind, name, values in samples.series():
        panels.setdefault(kind, []).append((name, values))
    height = len(panels) * (HEIGHT + 2 * TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + LEGEND}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, (kind, series) in enumerate(panels.items()):
        top = number * (HEIGHT + 2 * TOP) + TOP
        highest = max(1.0, *(value for _, values in series for value in values))
        parts += [
            f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{escape(kind)}</text>',
            f'<text x="{LEFT - 6}" y="{top + 8}" text-anchor="end">{highest:,.0f}</text>',
            f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>',
            f'<text x="{LEFT + WIDTH}" y="{top + HEIGHT + 14}" text-anchor="end">'
            f"{samples.seconds[-1] / 60:.0f} min</text>",
            f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#ccc"/>',
        ]
        for line, (name, values) in enumerate(series):
            colour = COLOURS[line % len(COLOURS)]
            points = " ".join(
                f"{LEFT + WIDTH * index / max(1, len(values) - 1):.1f},"
                f"{top + HEIGHT * (1 - value / highest):.1f}"
                for index, value in enumerate(values)
            )
            parts += [
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
                f'<text x="{LEFT + WIDTH + 8}" y="{top + 12 + 15 * line}" fill="{colour}">'
                f"{escape(name)}</text>",
            ]
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=50, help="ticks per second and position")
    parser.add_argument("--turnover", action="store_true", help="records grow old, and logs grow long")
    parser.add_argument("--plot", type=Path, help="where to write the plot, an SVG file")
    args = parser.parse_args()
    settings = [f"generator.rate={args.rate}", *(TURNOVER if args.turnover else ())]
    with bundle(*(f"--set={each}" for each in settings)) as user:
        positions = len(user.json("status", code=None)["positions"])
        with talker(user) if args.turnover else nullcontext():
            samples = sample(user, args.minutes)
    print(f"{'':14}{'':16}{'first':>10}{'highest':>10}{'last':>10}{'growth':>9}")
    for kind, name, values in samples.series():
        print(
            f"{kind:14}{name:16}{values[0]:10,.0f}{max(values):10,.0f}{values[-1]:10,.0f}{growth(values):9.0%}"
        )
    if args.plot:
        args.plot.write_text(plot(samples), encoding="utf-8")
    if args.turnover:
        print(f"of {samples.logged_mb:,.0f} MB of a log, {samples.kept_mb:,.0f} MB are there")
    memory = args.minutes >= MEMORY_MINUTES
    found = faults(samples, args.rate * positions, memory=memory, turnover=args.turnover)
    bounded = "everything is" if memory else "threads, files and lag are"
    print("\n".join(found) or f"{bounded} bounded")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
