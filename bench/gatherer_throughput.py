"""Measures ticks per second of the gatherer's job on one slot and on two, from a prefilled topic.

    python bench/gatherer_throughput.py [--ticks 2000000] [--rounds 3] [--bootstrap-servers HOST:PORT]

Variants run one after the other on the same Flink, after one warm-up round. Only their ratios can be
compared across machines. Without --bootstrap-servers, a broker is started as for the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from broker import broker  # first: it lets the next ones be found

from flink_scripts.files import LocalFiles
from flink_scripts.java_project import package_jar
from flink_scripts.settings import Environment
from flink_scripts.state import StateFolder
from flink_scripts.submit import client_environ, client_options, job_options
from gatherer.settings import Settings
from tests.gatherer.flink import Flink

SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
PREFIX = "bench."


def preload(bootstrap_servers: str, ticks: int, spacing_ms: int) -> None:
    """Random walks of one tick every `spacing_ms` and symbol."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    topics = [f"{PREFIX}position.{symbol}" for symbol in SYMBOLS]
    topics += [PREFIX + name for name in ("movingaverage", "signals", "dead_letter", "limits")]
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    for future in admin.create_topics([NewTopic(topic, 1, 1) for topic in topics]).values():
        future.result(30)
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 50, "compression.type": "lz4"})
    draw, start = random.Random(1), datetime(2026, 1, 5, 9, tzinfo=UTC)  # noqa: S311
    cents = dict.fromkeys(SYMBOLS, 10_000)
    for number in range(ticks // len(SYMBOLS)):
        ts = (start + timedelta(milliseconds=number * spacing_ms)).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        for symbol in SYMBOLS:
            cents[symbol] = max(1, cents[symbol] + draw.choice((-1, 0, 1)))
            value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {cents[symbol] / 100:.2f}}}'
            producer.produce(f"{PREFIX}position.{symbol}", value, key=symbol)
        if number % 5000 == 0:
            producer.flush()
    assert producer.flush(60) == 0


def job_seconds(rest: str, job_id: str) -> float:
    """How long reading, judging and adding up took, without the start of Python's worker."""

    def ask(path: str) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://{rest}/jobs/{job_id}{path}",
            headers={"Authorization": f"Bearer {os.environ['FLINK_TOKEN']}"},
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer

    while (job := ask(""))["state"] != "FINISHED":
        assert job["state"] in ("CREATED", "RUNNING"), job["state"]
        time.sleep(0.1)
    (last,) = (vertex["id"] for vertex in job["vertices"] if not vertex["name"].startswith("Source"))
    subtasks = ask(f"/vertices/{last}")["subtasks"]
    return float(max(each["status-duration"]["RUNNING"] for each in subtasks)) / 1000


# What Flink's own SQL does of it: its JSON format skips what is no JSON and makes null of what is wrong, the
# window knows no exact sums, no median and no late tick that still counts.
SQL_SOURCE = """
CREATE TEMPORARY TABLE prices (
  ts TIMESTAMP(3),
  symbol STRING,
  price DECIMAL(17, 8),
  topic STRING METADATA VIRTUAL,
  event_time AS CASE WHEN price > 0 AND topic = 'bench.position.' || symbol THEN ts END,
  WATERMARK FOR event_time AS event_time - INTERVAL '0.5' SECOND(3)
) WITH (
  'connector' = 'kafka', 'topic-pattern' = '{pattern}', 'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset', 'properties.bootstrap.servers' = '{servers}',
  'format' = 'json', 'json.ignore-parse-errors' = 'true'
)"""
SQL_SINK = """
CREATE TEMPORARY TABLE sink (
  symbol STRING, n BIGINT, total DOUBLE, low DECIMAL(17, 8), high DECIMAL(17, 8), deviation DOUBLE
) WITH ('connector' = 'blackhole')"""
SQL_QUERY = """
INSERT INTO sink
SELECT symbol, COUNT(*), SUM(CAST(price AS DOUBLE)), MIN(price), MAX(price),
  STDDEV_SAMP(CAST(price AS DOUBLE))
FROM TUMBLE(TABLE prices, DESCRIPTOR(event_time), INTERVAL '1' SECOND)
WHERE event_time IS NOT NULL
GROUP BY symbol, window_start, window_end"""


def plain_sql(settings: Settings, stream: Any) -> None:
    """The same ticks in tumbling windows of a second, by SQL alone."""
    from pyflink.table import EnvironmentSettings, StreamTableEnvironment

    tables = StreamTableEnvironment.create(stream, EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("table.optimizer.agg-phase-strategy", "TWO_PHASE")
    pattern, servers = settings.topics.position_pattern, settings.bootstrap_servers
    tables.execute_sql(SQL_SOURCE.format(pattern=pattern, servers=servers))
    tables.execute_sql(SQL_SINK)
    statements = tables.create_statement_set()
    statements.add_insert_sql(SQL_QUERY)
    statements.attach_as_datastream()


def variants(settings: Settings) -> dict[str, Callable[[Any], None]]:
    """Name: what adds the job to an environment. The first is what the gatherer does."""
    from gatherer.job import build

    return {
        "gatherer": lambda stream: build(settings, stream, until_now=True),
        "two slots": lambda stream: build(settings, stream.set_parallelism(2), until_now=True),
        "SQL alone": lambda stream: plain_sql(settings, stream),
        **{
            name: lambda stream, other=other: build(other, stream, until_now=True)
            for name, other in {
                "at-least-once": replace(settings, delivery="at-least-once"),
                "no median, no mad": replace(
                    settings, statistics=settings.statistics - {"median", "mad"}, signals={}
                ),
                "one window": replace(settings, windows=settings.windows[:1]),
            }.items()
        },
    }


def measure(ticks: int, rounds: int, only: str | None) -> None:
    """Runs in the client process: each variant in turn, from the first record to the last that is there."""
    from gatherer.job import environment

    settings = Settings.from_environ()
    rest = os.environ["FLINK_JOBMANAGER_REST"]
    taskmanager = psutil.Process(int(os.environ["TASKMANAGER_PID"]))
    figures: dict[str, list[tuple[float, float]]] = {}
    for number in range(rounds + 1):
        for name, add_to in variants(settings).items():
            if only and name not in only.split(","):
                continue
            stream = environment()
            add_to(stream)
            before = taskmanager.cpu_times()
            seconds = job_seconds(rest, str(stream.execute_async("bench").get_job_id()))
            after = taskmanager.cpu_times()
            cpu = after.user + after.system - before.user - before.system
            print(f"{name}: {seconds:.1f} s, {cpu:.1f} s of CPU", flush=True)
            if number:
                figures.setdefault(name, []).append((ticks / seconds, 1e6 * cpu / ticks))
    medians = {name: tuple(map(median, zip(*found, strict=True))) for name, found in figures.items()}
    base_rate, base_cpu = next(iter(medians.values()))
    for name, (rate, cpu) in medians.items():
        print(
            f"{name:17} {rate:9,.0f} ticks/s {rate / base_rate:5.2f}   "
            f"{cpu:5.2f} us of CPU a tick {cpu / base_cpu:5.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ticks", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--spacing-ms", type=int, default=1, help="1000: a pane a tick, which shows what Python can do"
    )
    parser.add_argument("--bootstrap-servers")
    parser.add_argument("--only", help="variants, with commas between them")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.ticks, args.rounds, args.only)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "kafka").mkdir()
        servers = args.bootstrap_servers or stack.enter_context(broker(folder / "kafka")).bootstrap_servers
        preload(servers, args.ticks, args.spacing_ms)
        flink = Flink(folder, slots=2)
        stack.callback(flink.stop)
        flink.start("jobmanager")
        flink.start("taskmanager", FLINK_MEMORY_MB="2304")
        environ = {
            **flink.environ,
            "FLINK_TOKEN": flink.token,
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "TOPIC_PREFIX": PREFIX,
            "JOB_NAME": "bench.gatherer",
            "TASKMANAGER_PID": str(flink.pid("taskmanager")),
        }
        env = Environment(environ)
        jar = package_jar("gatherer")
        options = client_options(
            env, job_options(env), StateFolder(env.state_uri, "bench", "bench", LocalFiles()), "bench", jar
        )
        argv = [
            sys.executable,
            __file__,
            "--measure",
            "--ticks",
            str(args.ticks),
            "--rounds",
            str(args.rounds),
            *(["--only", args.only] if args.only else []),
        ]
        subprocess.run(argv, env=client_environ(env, options, folder, jar), check=True)


if __name__ == "__main__":
    main()
