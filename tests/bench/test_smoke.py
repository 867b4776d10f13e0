"""Every benchmark still runs: each with as little work as it can be given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
# Those that take one broker or less.
SHORT = (
    "fuzz_cluster.py --requests 40",
    "fuzz_page.py --requests 40",
    "fuzz_records.py --records 2000",
    "fuzz_settings.py --files 20",
    "generator_throughput.py --ticks 2000 --rounds 1",
)
# Those that run Flink, Spark, a browser or the whole bundle.
LONG = (
    "chaos.py --kills 1 --minutes 1",
    "commands.py --rounds 1",
    "determinism.py --ticks 200 --only undisturbed",
    "dns.py --seconds 5",
    "growth.py --ticks 3000 --rounds 1 --only slots",
    "isolation.py --seconds 10",
    "latency.py --rates 100 --seconds 4",
    "malformed.py --ticks 1000 --bad 20",
    "many_positions.py --positions 5 --history 20 --seconds 5",
    "memory.py --rounds 1 --seconds 5",
    "outages.py --only agent",
    "page_smoothness.py --positions 3 --rate 2 --seconds 3",
    "report_on_disk.py --rows 20000 --rounds 1",
    "soak.py --minutes 1",
    "spark_kills.py --kills 1 --ticks 600",
    "stores_throughput.py --rows 500",
)
# A test beside this one runs them, or `make bench`, `make image-check` and `make compose-check` do.
ELSEWHERE = {"gatherer_throughput.py", "position_analysis.py", "run.py", "image_check.py", "compose_check.py"}
# They work on what somebody has deployed, or write documents of the project.
BY_HAND = {"recovery.py", "flows.py", "notebooks.py"}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("command", [*SHORT, *(pytest.param(each, marks=pytest.mark.long) for each in LONG)])
def test_a_benchmark_runs(command: str, tmp_path: Path) -> None:
    script, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, str(BENCH / script), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1100,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert any(character.isdigit() for character in done.stdout), done.stdout


def test_no_benchmark_is_forgotten() -> None:
    programs = {file.name for file in BENCH.glob("*.py") if "__main__" in file.read_text(encoding="utf-8")}
    known = {each.split()[0] for each in (*SHORT, *LONG)} | ELSEWHERE | BY_HAND
    assert known - programs == set()
    assert programs - known - {"javac.py"} == set()


@pytest.mark.parametrize("script", sorted({*ELSEWHERE, *BY_HAND} - {"run.py"}))
def test_a_benchmark_that_is_not_run_here_shows_its_help(script: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH / script), "--help"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert script in done.stdout
