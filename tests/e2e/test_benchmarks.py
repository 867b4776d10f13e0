"""The benchmarks of a whole bundle still run, with as little work as they can be given."""

from __future__ import annotations

import pytest

from tests.benchmarks import Run, cases
from tests.e2e.conftest import SharedBundle

COMMANDS = (
    "commands.py",
    "memory.py --rounds 1 --seconds 0",
    "outages.py --only JobManager --fresh 15",
    "recovery.py --rounds 1 --fresh 15 --settle 2 generator",
    # Of half a minute, threads, files and lag are judged.
    "soak.py --minutes 0.5 --rate 10",
)
# Other tests run the same commands, and kill the generator and the JobManager.
LONG = {"commands.py", "memory.py", "outages.py", "recovery.py"}


@pytest.mark.e2e
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("command", cases(COMMANDS, LONG))
def test_a_benchmark_runs(
    command: str, changeable_bundle: SharedBundle, run_benchmark: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = changeable_bundle.pipectl
    monkeypatch.setenv("PIPECTL_HOME", str(user.home))
    run_benchmark(command, bundle=user)
