"""The figures of a benchmark, as `bench/run.py` collects them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Self


@dataclass(frozen=True)
class Table:
    """What was measured in turns: for each variant a figure per round.

    name: unique, a slug; the plot is named after it. unit: of the figures. is_cost: whether less is better.
    notes: for variants, also for those without figures, what is to be known about them.
    """

    name: str
    title: str
    unit: str
    is_cost: bool
    rounds: Mapping[str, list[float]]
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def medians(self) -> dict[str, float]:
        """The median of each variant."""
        return {variant: median(figures) for variant, figures in self.rounds.items()}

    def ratios(self) -> dict[str, float]:
        """Each variant in terms of the first: the median of the ratios within a round."""
        base = next(iter(self.rounds.values()))
        return {
            variant: median(figure / first for figure, first in zip(figures, base, strict=True))
            for variant, figures in self.rounds.items()
        }

    def with_rounds_of(self, other: Table) -> Table:
        """The same with the rounds of a later run, without the variants that one of both lacks."""
        rounds = {
            variant: [*figures, *other.rounds[variant]]
            for variant, figures in self.rounds.items()
            if variant in other.rounds
        }
        return replace(self, rounds=rounds, notes={**self.notes, **other.notes})

    def text(self) -> str:
        """For a terminal."""
        width = max(map(len, self.rounds))
        ratios, medians = self.ratios(), self.medians
        lines = [f"{self.title}; {self.unit}, median (smallest-largest), ratio"]
        for variant, figures in self.rounds.items():
            spread = f"({min(figures):,.5g}-{max(figures):,.5g})"
            lines.append(f"{variant:{width}} {medians[variant]:12,.5g} {spread:25} {ratios[variant]:5.2f}")
        return "\n".join([*lines, *(f"{variant}: {note}" for variant, note in self.notes.items())])

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Self:
        return cls(**data)  # type: ignore[arg-type]


def report(tables: Iterable[Table], file: Path | None) -> None:
    """Print tables, and write them to a file if there is one."""
    tables = list(tables)
    for table in tables:
        print(table.text(), end="\n\n", flush=True)
    if file is not None:
        file.write_text(json.dumps([asdict(table) for table in tables]), encoding="utf-8")
