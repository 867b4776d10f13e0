"""The benchmark of the stores still runs, with as little work as it can be given."""

from __future__ import annotations

import pytest

from tests.benchmarks import Run
from tests.cassandra_node import CassandraNode

COMMANDS = ("stores_throughput.py --rows 500",)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_benchmark_runs(command: str, cassandra: CassandraNode, run_benchmark: Run) -> None:
    run_benchmark(command, cassandra=cassandra)
