"""The benchmark of the report still runs, with as little work as it can be given."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks import Run

COMMANDS = ("report_on_disk.py --rows 20000 --rounds 1",)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("command", COMMANDS)
def test_a_benchmark_runs(command: str, spark: Any, run_benchmark: Run) -> None:
    run_benchmark(command, spark=spark)
