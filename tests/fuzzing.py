"""Running a test on many generated values, whose number and seed the caller chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy


def run(
    test: Callable[[Any], None],
    values: SearchStrategy[Any],
    *,
    count: int,
    with_seed: int,
    shrink: bool = False,
) -> None:
    """Call `test` with `count` values, and raise its first error.

    shrink: look for a smaller value with the same error. Choose this only if no call depends on those before.
    """

    @seed(with_seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def call(value: Any) -> None:
        test(value)

    call()
