"""Measures whether the job keeps up with many positions, each with a tick a second, on two slots.

    python bench/many_positions.py [--positions 5000] [--history 600] [--seconds 60] [--rounds 1]

First the job reads ticks of `--history` seconds, then live ticks. The delay of a window is the time from its
end until a consumer of committed records has it. The figures begin when the job has caught up: when windows
are here CAUGHT_UP_SECONDS after their end. A job that keeps up has the same delay in each quarter from there
on. A round is `--seconds` long, and the rounds follow each other without a break.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from itertools import count
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil
from broker import broker  # first: it lets the next ones be found
from client import ask, cancel, client
from results import Table, report
from ticks import create

from gatherer.settings import Settings

PREFIX, TOPIC = "many.", "many.ticks"
OURS = "movingaverage", "signals", "dead_letter", "limits"
PARTITIONS = 4
CAUGHT_UP_SECONDS, CATCH_UP_SECONDS = 5.0, 600.0
QUARTERS = 4


def feed(servers: str, positions: int, begin: int, stop: Event) -> None:
    """Write a tick of each position for each second from `begin` on, not before that second has come."""
    from confluent_kafka import Producer

    producer = Producer(
        {"bootstrap.servers": servers, "linger.ms": 20, "compression.type": "lz4", "enable.idempotence": True}
    )
    draw, symbols = random.Random(begin), [f"P{number}" for number in range(positions)]  # noqa: S311
    for second in count(begin):
        if stop.is_set():
            break
        for number, symbol in enumerate(symbols):
            at = second + number / positions
            if not number % 100 and (ahead := at - time.time()) > 0:
                producer.poll(0)
                time.sleep(ahead)
            ts = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            cents = 50_000 + draw.randrange(-50, 51)
            value = f'{{"ts": "{ts}", "symbol": "{symbol}", "price": {cents / 100:.2f}}}'
            while True:
                with suppress(BufferError):
                    producer.produce(TOPIC, value, key=symbol)
                    break
                producer.poll(1)
    assert producer.flush(120) == 0


def delays(servers: str, begin: int, seconds: int) -> dict[int, list[float]]:
    """Seconds from the end of each window of 10 s until it was here, by its end, for `seconds` from when the
    job has caught up with `begin` and the time since then.

    Raises TimeoutError if it does not.
    """
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "many", "isolation.level": "read_committed"}
    )
    consumer.assign([TopicPartition(f"{PREFIX}movingaverage", 0, 0)])
    found: dict[int, list[float]] = {}
    first = 0  # the end of the first window that counts
    while not first or max(found, default=0) < first + seconds:
        if not first and time.time() > begin + CATCH_UP_SECONDS:
            raise TimeoutError(f"the job has not caught up within {CATCH_UP_SECONDS:.0f} s")
        for message in consumer.consume(5000, 1.0):
            record = json.loads(message.value())
            end = round(datetime.fromisoformat(record["window_end"] + "+00:00").timestamp())
            if record["window"] != "10s" or end <= begin:
                continue
            if not first and time.time() - end < CAUGHT_UP_SECONDS:
                first = end + 1
                print(f"caught up after {time.time() - begin:.0f} s", flush=True)
            if first and end >= first:
                found.setdefault(end, []).append(time.time() - end)
    consumer.close()
    return {end: each for end, each in found.items() if end < first + seconds}


def measure(args: argparse.Namespace) -> None:
    """Runs in the client process."""
    from gatherer.job import build, environment

    servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    settings = Settings.from_environ({**os.environ, "GATHERER_INPUTS": json.dumps([{"topic": TOPIC}])})
    stream = environment().set_parallelism(2)
    build(settings, stream)
    job = stream.execute_async("many positions").get_job_id()
    while not all(vertex["status"] == "RUNNING" for vertex in ask(f"/jobs/{job}")["vertices"]):
        time.sleep(0.5)
    begin, stop = int(time.time()), multiprocessing.Event()
    feeder = multiprocessing.Process(target=feed, args=(servers, args.positions, begin - args.history, stop))
    feeder.start()
    taskmanager = psutil.Process(int(os.environ["TASKMANAGER_PID"]))
    before, started = cpu_seconds(taskmanager), time.time()
    try:
        found = delays(servers, begin, args.seconds * args.rounds)
        cores = (cpu_seconds(taskmanager) - before) / (time.time() - started)
        workers = [
            child for child in taskmanager.children() if "gatherer.worker" in " ".join(child.cmdline())
        ]
        memory = [child.memory_full_info().uss / 1024 / args.positions for child in workers]
    finally:
        stop.set()
        feeder.join(60)
        cancel(str(job))
    ends = sorted(found)
    print(f"{len(ends)} ends, {sum(map(len, found.values()))} windows of 10 s; {args.positions} positions")
    print(f"{cores:.2f} cores, {sum(memory):.0f} KB of Python a position in {len(workers)} processes")
    report(
        [
            Table("median", "Delay of windows, median", "s", True, quarters(found, args.rounds, 50)),
            Table("p99", "Delay of windows, 99th percentile", "s", True, quarters(found, args.rounds, 99)),
        ],
        args.json,
    )


def quarters(found: dict[int, list[float]], rounds: int, percent: int) -> dict[str, list[float]]:
    """The percentile of each quarter of the live time, with a figure for each part of it that is as long as
    a quarter of a round.
    """
    ends = sorted(found)
    size = max(1, len(ends) // (QUARTERS * rounds))
    figures = []
    for number in range(QUARTERS * rounds):
        part = [delay for end in ends[number * size : (number + 1) * size] for delay in found[end]]
        if part:
            figures.append(quantiles(part, n=100)[percent - 1])
    each = len(figures) // QUARTERS
    return {
        f"quarter {number + 1}": figures[number * each : (number + 1) * each] for number in range(QUARTERS)
    }


def cpu_seconds(process: psutil.Process) -> float:
    """What a process and its children have used."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            used: Any = each.cpu_times()
            total += used.user + used.system
    return total


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--positions", type=int, default=5000)
    parser.add_argument("--history", type=int, default=600, help="seconds; 600 fills all windows")
    parser.add_argument("--seconds", type=int, default=60, help="of live ticks in a round")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "kafka").mkdir()
        servers = stack.enter_context(broker(folder / "kafka")).bootstrap_servers
        create(servers, TOPIC, partitions=PARTITIONS)
        create(servers, *(PREFIX + topic for topic in OURS))
        environ = client(stack, folder, servers, PREFIX)
        argv = [__file__, "--measure", "--positions", str(args.positions), "--history", str(args.history)]
        argv += ["--seconds", str(args.seconds), "--rounds", str(args.rounds)]
        argv += ["--json", str(args.json.absolute())] if args.json else []
        subprocess.run([sys.executable, *argv], env=environ, check=True)


if __name__ == "__main__":
    main()
