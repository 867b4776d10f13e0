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
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import psutil
from broker import broker  # first: it lets the next ones be found
from client import client
from results import Table, report

from flink_scripts.java_project import JavaProject
from gatherer.settings import Settings

SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
PREFIX, PEER = "bench.", "bench.peer"
TOLERANCE = 1e-6  # the peer adds doubles


def preload(bootstrap_servers: str, ticks: int, spacing_ms: int) -> None:
    """Random walks of one tick every `spacing_ms` and symbol."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    topics = [f"{PREFIX}position.{symbol}" for symbol in SYMBOLS]
    topics += [PREFIX + name for name in ("movingaverage", "signals", "dead_letter", "limits", "peer")]
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


class TaskManager:
    """The CPU time of a TaskManager, and that of the Python processes beside it, which end with a job."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._workers: dict[int, float] = {}

    def look(self) -> None:
        """Note what the Python processes have used until now."""
        for child in self._process.children(recursive=True):
            with suppress(psutil.Error):
                used = child.cpu_times()
                self._workers[child.pid] = used.user + used.system

    def used(self) -> tuple[float, float]:
        """Seconds of Java's and of Python's."""
        java = self._process.cpu_times()
        return java.user + java.system, sum(self._workers.values())


def job_seconds(rest: str, job_id: str, taskmanager: TaskManager) -> float:
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
        taskmanager.look()
        time.sleep(0.1)
    others = [vertex["id"] for vertex in job["vertices"] if not vertex["name"].startswith("Source")]
    subtasks = [each for vertex in others for each in ask(f"/vertices/{vertex}")["subtasks"]]
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


def data_stream(settings: Settings, stream: Any) -> None:
    """Windows of ten seconds every second, by Flink's own windows; `java/` has the job."""
    from pyflink.java_gateway import get_gateway

    jar = JavaProject(Path(__file__).parent / "java").jar
    stream.add_jars(jar.absolute().as_uri())
    get_gateway().jvm.peer.DataStreamJob.add(
        stream._j_stream_execution_environment,
        settings.bootstrap_servers,
        settings.topics.position_pattern,
        PEER,
    )


def windows(bootstrap_servers: str, topic: str, end: Callable[[Any], int]) -> dict[tuple[str, int], Any]:
    """All windows of ten seconds in a topic, by symbol and end."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "group.id": "bench", "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = {}
    while True:
        message = consumer.poll(30)
        assert message is not None, f"{topic} has no end within 30 s"
        if message.error():
            break
        window = json.loads(message.value())
        if window.get("window", "10s") == "10s":
            found[window["symbol"], end(window)] = window
    consumer.close()
    return found


def compare(bootstrap_servers: str) -> int:
    """How many windows both have written; they must be the same."""

    def milliseconds(window: Any) -> int:
        return round(datetime.fromisoformat(window["window_end"] + "+00:00").timestamp() * 1000)

    ours = windows(bootstrap_servers, f"{PREFIX}movingaverage", milliseconds)
    peers = windows(bootstrap_servers, PEER, itemgetter("window_end"))
    # At the end of its input, the peer also writes the windows that have not ended.
    last = max(end for _, end in ours)
    assert ours.keys() == {key for key in peers if key[1] <= last}
    for key, window in ours.items():
        for name in ("count", "min", "max"):
            assert window[name] == peers[key][name], (key, name)
        for name in ("mean", "stddev"):
            assert (window[name] is None) == (peers[key][name] is None), (key, name)
            assert window[name] is None or abs(window[name] - peers[key][name]) < TOLERANCE, (key, name)
    return len(ours)


def variants(settings: Settings) -> dict[str, Callable[[Any], None]]:
    """Name: what adds the job to an environment. The first is what the gatherer does."""
    from gatherer.job import build

    return {
        "gatherer": lambda stream: build(settings, stream, until_now=True),
        "two slots": lambda stream: build(settings, stream.set_parallelism(2), until_now=True),
        "SQL": lambda stream: plain_sql(settings, stream),
        "DataStream": lambda stream: data_stream(settings, stream),
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


def measure(ticks: int, rounds: int, only: str | None, out: Path | None) -> None:
    """Runs in the client process: each variant in turn, from the first record to the last that is there."""
    from gatherer.job import environment

    settings = Settings.from_environ()
    rest = os.environ["FLINK_JOBMANAGER_REST"]
    taskmanager = TaskManager(int(os.environ["TASKMANAGER_PID"]))
    figures: dict[str, list[tuple[float, float, float]]] = {}
    all_variants = variants(settings)
    names = only.split(",") if only else list(all_variants)
    for number in range(rounds + 1):
        for name in names:
            stream = environment()
            all_variants[name](stream)
            before = taskmanager.used()
            seconds = job_seconds(rest, str(stream.execute_async("bench").get_job_id()), taskmanager)
            java, python = (after - known for after, known in zip(taskmanager.used(), before, strict=True))
            print(
                f"{name}: {seconds:.1f} s, {java:.1f} s of Java's CPU, {python:.1f} s of Python's", flush=True
            )
            if number:
                figures.setdefault(name, []).append(
                    (ticks / seconds, 1e6 * java / ticks, 1e6 * python / ticks)
                )
        if not number and {"gatherer", "DataStream"} <= set(names):
            print(f"{compare(settings.bootstrap_servers)} windows of ten seconds are the same", flush=True)
    report(tables(figures), out)


def tables(figures: Mapping[str, Sequence[tuple[float, float, float]]]) -> list[Table]:
    """figures: for each variant and round ticks per second, and CPU per tick of Java and Python in us."""
    rates, cpu = (
        {name: [pick(figure) for figure in found] for name, found in figures.items()}
        for pick in (itemgetter(0), lambda figure: figure[1] + figure[2])
    )
    return [
        Table("cpu", "CPU per tick, one slot", "us", True, cpu),
        Table("throughput", "Throughput by the clock", "ticks/s", False, rates),
    ]


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
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.ticks, args.rounds, args.only, args.json)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "kafka").mkdir()
        servers = args.bootstrap_servers or stack.enter_context(broker(folder / "kafka")).bootstrap_servers
        preload(servers, args.ticks, args.spacing_ms)
        environ = client(stack, folder, servers, PREFIX)
        argv = [
            sys.executable,
            __file__,
            "--measure",
            "--ticks",
            str(args.ticks),
            "--rounds",
            str(args.rounds),
            *(["--only", args.only] if args.only else []),
            *(["--json", str(args.json.absolute())] if args.json else []),
        ]
        subprocess.run(argv, env=environ, check=True)


if __name__ == "__main__":
    main()
