"""Every benchmark still runs: each with as little work as it can be given, or at least its `--help`.

Most runs are `long`; of those benchmarks, `make test` tries `--help` only.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests import memory
from tests.benchmarks import BENCH, cases
from tests.e2e import test_benchmarks as e2e
from tests.e2e import test_chaos as chaos
from tests.e2e import test_outages as outages
from tests.gatherer import test_benchmarks as gatherer
from tests.gatherer import test_isolation as isolation
from tests.spark_jobs import test_benchmarks as spark_jobs
from tests.stores import test_benchmarks as stores

# Those that start all they need. Tests of other folders run the rest on what they share.
COMMANDS = (
    "fuzz_cluster.py --requests 40",
    "fuzz_page.py --requests 40",
    "fuzz_records.py --records 2000",
    "fuzz_settings.py --files 20",
    "generator_throughput.py --ticks 2000 --rounds 1",
    "page_smoothness.py --positions 3 --rate 2 --seconds 1 --load 1000",
    "spark_kills.py --kills 1 --ticks 600",
)
# Two measure. Quicker tests try what the others try: tests/spark_jobs, and the bad records of tests/gatherer.
LONG = {"fuzz_records.py", "generator_throughput.py", "page_smoothness.py", "spark_kills.py"}
# `make bench`, `make image-check` and `make compose-check` run them, or a test beside this one.
ELSEWHERE = {"gatherer_throughput.py", "position_analysis.py", "run.py", "image_check.py", "compose_check.py"}
# They write documents of the project.
BY_HAND = {"flows.py", "notebooks.py"}
# A program, and memory in MiB.
PROGRAMS = {"page_smoothness.py": "chromium"}
MEMORY = {"spark_kills.py": memory.STANDALONE_MB}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("command", cases(COMMANDS, LONG))
def test_a_benchmark_runs(command: str, tmp_path: Path) -> None:
    script, *arguments = command.split()
    if (program := PROGRAMS.get(script)) and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    if script in MEMORY:
        memory.need(MEMORY[script], script)
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


@pytest.mark.slow
def test_a_benchmark_that_is_ended_ends_what_it_has_started(tmp_path: Path) -> None:
    code = """
import signal, sys
from pathlib import Path
from broker import broker
with broker(Path(sys.argv[1])) as kafka:
    print(kafka.bootstrap_servers, flush=True)
    signal.raise_signal(signal.SIGTERM)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=BENCH,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 143, done.stderr
    host, port = done.stdout.split(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0


def scripts(commands: Iterable[str]) -> set[str]:
    return {command.split()[0] for command in commands}


RUN = scripts((*COMMANDS, *chaos.COMMANDS, *e2e.COMMANDS, *isolation.COMMANDS))
# They are long as a whole.
LONG_FILES = scripts(command for each in (gatherer, outages, spark_jobs, stores) for command in each.COMMANDS)


def test_no_benchmark_is_forgotten() -> None:
    programs = {file.name for file in BENCH.glob("*.py") if "__main__" in file.read_text(encoding="utf-8")}
    known = RUN | LONG_FILES | ELSEWHERE | BY_HAND
    assert known - programs == set()
    assert programs - known - {"javac.py"} == set()


@pytest.mark.parametrize("script", sorted((ELSEWHERE | BY_HAND | LONG | e2e.LONG | LONG_FILES) - {"run.py"}))
def test_a_benchmark_that_make_test_does_not_run_shows_its_help(script: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH / script), "--help"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert script in done.stdout
