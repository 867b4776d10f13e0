"""Whatever is wrong with one position, the others go on as if nothing were."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks import Run

COMMANDS = ("isolation.py --seconds 0",)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", COMMANDS)
def test_healthy_positions_continue_whatever_is_wrong_with_others(
    command: str, flink: Any, run_benchmark: Run
) -> None:
    """The benchmark compares every window with the model, and fails if one comes late or the job fails."""
    run_benchmark(command, flink=flink)
