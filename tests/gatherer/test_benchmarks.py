"""The benchmarks of the job still run, with as little work as they can be given."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks import Run

COMMANDS = (
    "determinism.py --ticks 60 --only undisturbed",
    "growth.py --ticks 3000 --rounds 1 --only slots",
    "latency.py --rates 100 --seconds 2",
    "malformed.py --ticks 1000 --bad 40",
    "many_positions.py --positions 5 --history 20 --seconds 4",
)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_benchmark_runs(command: str, flink: Any, kafka: Any, run_benchmark: Run) -> None:
    run_benchmark(command, flink=flink, broker=kafka)
