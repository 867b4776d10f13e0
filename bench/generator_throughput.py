"""Measures how fast the generator writes, beside the performance tool of Kafka's own producer.

    python bench/generator_throughput.py [--ticks 500000] [--rounds 3]

Both write records of the same size and content with acks=all, idempotence, lz4 and the generator's linger.ms
to the same broker, in turns: the generator to the topics of five positions, the tool to a topic of five
partitions. The start of a process is not counted in its throughput, but in its CPU time.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from broker import ROOT, broker  # first: it lets the next ones be found
from results import Table, report
from ticks import SYMBOLS

from data_generator.delivery import LINGER_MS
from jvm.java import java_home
from local_dcos.kafka.jars import JARS

TOPIC = "performance"
TIMEOUT_SECONDS = 300
PRODUCER = ("acks=all", "enable.idempotence=true", "compression.type=lz4", f"linger.ms={LINGER_MS}")


def generator(kafka: Any, ticks: int) -> float:
    """Ticks per second, between the first and the last line of its log that matter."""
    argv = ["-m", "data_generator", "--bootstrap-servers", kafka.bootstrap_servers, "--seed", "1"]
    shown = _output([sys.executable, *argv, "--positions", ",".join(SYMBOLS), "--count", str(ticks)])
    assert f"{ticks} delivered" in shown, shown
    begun, ended = (
        datetime.fromisoformat(line[:23].replace(",", "."))
        for line in shown.splitlines()
        if "all topics are there" in line or f"{ticks} delivered" in line
    )
    return ticks / (ended - begun).total_seconds()


def tool(kafka: Any, ticks: int, payload: Path) -> float:
    """Records per second, as the tool says."""
    class_path = os.pathsep.join(map(str, JARS.fetch()))
    shown = _output(
        [
            *(str(java_home() / "bin" / "java"), "-Xmx512m", "-cp", class_path),
            *("org.apache.kafka.tools.ProducerPerformance", "--topic", TOPIC, "--throughput", "-1"),
            *("--num-records", str(ticks), "--payload-file", str(payload), "--producer-props"),
            *(f"bootstrap.servers={kafka.bootstrap_servers}", *PRODUCER),
        ]
    )
    found = re.findall(r"^\d+ records sent, ([\d.]+) records/sec .*99\.9th", shown, re.MULTILINE)
    assert found, shown
    return float(found[-1])


def _output(argv: list[str]) -> str:
    result = subprocess.run(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
        cwd=ROOT,
    )
    return result.stdout


def cpu() -> float:
    """Seconds of CPU of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ticks", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name, broker(Path(name)) as kafka:
        kafka.create(TOPIC, partitions=len(SYMBOLS))
        kafka.create(*(f"position.{symbol}" for symbol in SYMBOLS))
        payload = Path(name) / "payload"
        generator(kafka, 10_000)
        records = [message for symbol in SYMBOLS for message in kafka.records(f"position.{symbol}")]
        payload.write_bytes(b"\n".join(message.value() for message in records))
        variants = {
            "Kafka's performance tool": lambda: tool(kafka, args.ticks, payload),
            "generator": lambda: generator(kafka, args.ticks),
        }
        rates: dict[str, list[float]] = {variant: [] for variant in variants}
        costs: dict[str, list[float]] = {variant: [] for variant in variants}
        for number in range(args.rounds + 1):
            for variant, run in variants.items():
                before, begun = cpu(), time.monotonic()
                rate = run()
                if number:  # the first round warms up the broker
                    rates[variant].append(rate)
                    costs[variant].append(1e6 * (cpu() - before) / args.ticks)
                print(f"{variant}: {rate:,.0f} records/s, {time.monotonic() - begun:.1f} s", flush=True)
    report(
        [
            Table("throughput", "Records written", "records/s", False, rates),
            Table("cpu", "CPU per record, with the start", "us", True, costs),
        ],
        args.json,
    )


if __name__ == "__main__":
    main()
