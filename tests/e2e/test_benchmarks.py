"""The benchmarks of a whole bundle still run, with as little work as they can be given."""

from __future__ import annotations

import pytest

from tests.benchmarks import Run
from tests.e2e.conftest import SharedBundle

SOAK = "soak.py --minutes 0.5 --rate 10"
COMMANDS = (
    "commands.py",
    "memory.py --rounds 1 --seconds 0",
    "outages.py --only JobManager --fresh 15",
    "recovery.py --rounds 1 --fresh 15 --settle 2 generator",
    SOAK,
)
# It times commands that other tests run.
LONG = {"commands.py"}


@pytest.mark.e2e
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "command", [pytest.param(each, marks=[pytest.mark.long] if each in LONG else []) for each in COMMANDS]
)
def test_a_benchmark_runs(
    command: str, changeable_bundle: SharedBundle, run_benchmark: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = changeable_bundle.pipectl
    monkeypatch.setenv("PIPECTL_HOME", str(user.home))
    # A bundle that has just started grows.
    run_benchmark(command, judges=command != SOAK, bundle=user)


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_everything_is_bounded_in_a_longer_soak(changeable_bundle: SharedBundle, run_benchmark: Run) -> None:
    run_benchmark("soak.py --minutes 1 --rate 10", bundle=changeable_bundle.pipectl)
