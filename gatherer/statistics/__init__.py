"""The computations of the catalogue's statistics (`kafka_topic.statistics`): a module for each, with its
name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module

from gatherer.statistics.base import Computation, View
from kafka_topic.statistics import STATISTICS

_COMPUTATIONS: Mapping[str, Computation] = {
    name: import_module(f"{__name__}.{name}").COMPUTATION for name in STATISTICS
}

_Step = tuple[tuple[str, ...], Callable[[View], Sequence[float | None]]]
"""The names of a statistic's fields, and the function that computes their values."""


def needs_prices(statistics: Iterable[str]) -> bool:
    """Whether one of these statistics needs panes that count each price."""
    return any(_COMPUTATIONS[name].needs_prices for name in statistics)


def values_of(statistics: Iterable[str]) -> Callable[[View], dict[str, float | None]]:
    """The function that computes these statistics: values by field, in the catalogue's order."""
    wanted = set(statistics)
    steps = [
        (tuple(field.name for field in each.fields), _COMPUTATIONS[name].compute)
        for name, each in STATISTICS.items()
        if name in wanted
    ]
    return partial(_compute, steps)


def _compute(steps: Sequence[_Step], view: View) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for names, step in steps:
        values.update(zip(names, step(view), strict=True))
    return values
