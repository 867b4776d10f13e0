"""The benchmarks of speed still run, and their figures become a report."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import BENCH


def _run(*argv: str) -> str:
    result = subprocess.run(
        [sys.executable, *argv], cwd=BENCH, capture_output=True, text=True, timeout=240, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_cost_of_a_pane_is_reported(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    small = ("--positions", "1", "--seconds", "40", "--rounds", "2")
    shown = _run("position_analysis.py", *small, "--json", str(figures))
    (table,) = json.loads(figures.read_text())
    assert {len(each) for each in table["rounds"].values()} == {2}
    assert min(min(each) for each in table["rounds"].values()) > 0
    assert all(variant in shown for variant in table["rounds"])


def test_a_table_becomes_markdown_and_a_plot() -> None:
    code = """
from dataclasses import asdict
from results import Table
from run import BENCHMARKS, section
from plot import bars
table = Table("cpu", "CPU & more", "us", True, {"ours": [4.0, 2.0, 3.0], "theirs": [8.0, 6.0, 3.0]})
content = {"command": "python a.py", "machine": ["- a machine"], "tables": [asdict(table)]}
print(*section(BENCHMARKS[0], content), bars(table), sep="\\n")
"""
    shown = _run("-c", code)
    assert "| ours | 3 | 2 | 4 | 1.00 |\n| theirs | 6 | 3 | 8 | 2.00 |" in shown
    assert "CPU &amp; more" in shown and "![CPU & more](plots/ticks-cpu.svg)" in shown


def test_the_report_says_which_goals_are_met() -> None:
    code = """
from goals import verdicts
from results import Table
panes = Table("panes-ticks-per-second", "Ticks", "ticks/s", False, {
    "6 panes a window": [10.0, 20.0], "600 panes a window": [4.0, 8.0]})
cpu = Table("cpu", "CPU", "us", True, {"default statistics": [49.0, 50.0, 51.0]})
slow = Table("cpu", "CPU", "us", True, {"default statistics": [51.0]})
print(*verdicts("window", [panes]), *verdicts("python", [cpu]), *verdicts("python", [slow]), sep="\\n")
"""
    missed, met, slow = _run("-c", code).splitlines()
    assert "600 panes a window: at least 0.5 times that of 6 panes a window. It is 0.40: missed" in missed
    assert "at most 50 us. It is 50.00: met." in met
    assert "It is 51.00: missed: " in slow


def test_each_goal_is_one_of_a_benchmark_of_the_report() -> None:
    code = """
from goals import GOALS
from run import BENCHMARKS, HERE
print(GOALS.keys() - {each.name for each in BENCHMARKS})
print([each.argv[0] for each in BENCHMARKS if not (HERE / each.argv[0]).is_file()])
"""
    assert _run("-c", code) == "set()\n[]\n"


def test_a_percentile_is_not_the_highest_figure_and_that_of_all_rounds_is_noted() -> None:
    code = """
from latency import tables
rounds = [[float(number) for number in range(1, 126)], [float(number) for number in range(2, 127)]]
p50, p99, highest = tables({"ours": rounds})
print([list(table.rounds["ours"]) for table in (p50, p99, highest)], p99.notes, p50.notes)
"""
    shown = _run("-c", code)
    assert "[[63.0, 64.0], [123.76, 124.76], [125.0, 126.0]]" in shown
    assert "'ours': '124.51 s is the p99 of all 250 records of a run'} {}" in shown


def test_a_benchmark_that_is_interrupted_has_time_to_stop_what_it_has_started(tmp_path: Path) -> None:
    interrupt = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    # It takes longer to stop than `subprocess.run` waits before it kills.
    benchmark = f"""{interrupt}
import pathlib, time
try:
    print("started", flush=True)
    signal.pause()
finally:
    time.sleep(1)
    pathlib.Path({str(tmp_path / "stopped")!r}).touch()
"""
    runner = f"{interrupt}import sys\nfrom run import finish\nfinish([sys.executable, '-c', sys.argv[1]])"
    with subprocess.Popen(
        [sys.executable, "-c", runner, benchmark],
        cwd=BENCH,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert (tmp_path / "stopped").exists()


@pytest.mark.slow
@pytest.mark.long
def test_the_job_and_its_peers_run_and_write_the_same_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    small = ("--ticks", "5000", "--spacing-ms", "10", "--rounds", "1")
    monkeypatch.setenv("FLINK_JVM_OPTIONS", "-XX:TieredStopAtLevel=1")
    shown = _run("gatherer_throughput.py", *small, "--only", "gatherer,DataStream,SQL,Kafka Streams")
    for peer in ("DataStream", "Kafka Streams"):
        assert re.search(f"{peer}: [0-9]+ windows of ten seconds are the same", shown), shown
    assert shown.count("CPU per tick") == 1
