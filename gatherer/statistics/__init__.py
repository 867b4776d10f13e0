"""The computations of the catalogue's statistics (`kafka_topic.statistics`): a module for each, with its
name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from itertools import chain

from gatherer.statistics.base import Computation, View
from kafka_topic.statistics import STATISTICS

_COMPUTATIONS: Mapping[str, Computation] = {
    name: import_module(f"{__name__}.{name}").COMPUTATION for name in STATISTICS
}


def needs_prices(statistics: Iterable[str]) -> bool:
    """Whether one of these statistics needs panes that count each price."""
    return any(_COMPUTATIONS[name].needs_prices for name in statistics)


def values_of(statistics: Iterable[str]) -> Callable[[View], dict[str, float | None]]:
    """The function that computes these statistics: values by field, in the catalogue's order."""
    wanted = set(statistics)
    chosen = [each for name, each in STATISTICS.items() if name in wanted]
    names = tuple(field.name for each in chosen for field in each.fields)
    return partial(_compute, names, [_COMPUTATIONS[each.name].compute for each in chosen])


def _compute(
    names: Sequence[str], steps: Sequence[Callable[[View], Sequence[float | None]]], view: View
) -> dict[str, float | None]:
    values = chain.from_iterable([step(view) for step in steps])
    return dict(zip(names, values, strict=True))
