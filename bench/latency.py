"""Measures how long after the end of a window a consumer has its record.

    python bench/latency.py [--rates 1000,50000] [--seconds 15] [--rounds 1]

Live ticks of five positions with the time at which they are sent, which wait for others as the generator's
do, the default settings, checkpoints every second. The least that the rule allows is the bound of
out-of-orderness, 0.5 s: a window ends when a later tick says so. With exactly-once, a consumer gets a record
when its checkpoint is complete.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from broker import broker  # first: it lets the next ones be found
from client import cancel, client
from results import Table, report
from ticks import create

from data_generator.delivery import LINGER_MS
from gatherer.settings import DELIVERIES, Settings

SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "TSLA")
STEP_SECONDS = 0.01
WARM_UP_SECONDS, PATIENCE_SECONDS = 3.0, 120.0


class Feed(threading.Thread):
    """Sends ticks at an even rate until it is closed."""

    def __init__(self, settings: Settings, rate: int) -> None:
        super().__init__(daemon=True)
        self._settings, self._rate = settings, rate
        self._end = threading.Event()
        self.sent = 0

    def run(self) -> None:
        from confluent_kafka import Producer

        producer = Producer(
            {
                "bootstrap.servers": self._settings.bootstrap_servers,
                "linger.ms": LINGER_MS,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        topics = [self._settings.topics.position(symbol) for symbol in SYMBOLS]
        begun = time.monotonic()
        while not self._end.wait(STEP_SECONDS):
            ts = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            values = [f'{{"ts": "{ts}", "symbol": "{symbol}", "price": 238.32}}' for symbol in SYMBOLS]
            due = int((time.monotonic() - begun) * self._rate)
            while self.sent < due:
                number = self.sent % len(SYMBOLS)
                producer.produce(topics[number], values[number], key=SYMBOLS[number])
                self.sent += 1
            producer.poll(0)
        producer.flush(60)

    def close(self) -> None:
        self._end.set()
        self.join()


def latencies(settings: Settings, seconds: float) -> list[float]:
    """Of each record of a window of ten seconds, once the first have come: seconds."""
    from confluent_kafka import Consumer

    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": settings.job_name + ".latency",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
            "isolation.level": "read_committed"
            if settings.delivery == "exactly-once"
            else "read_uncommitted",
        }
    )
    consumer.subscribe([settings.topics.moving_average])
    found: list[float] = []
    first, begun = None, time.monotonic()
    while first is None or time.monotonic() < first + WARM_UP_SECONDS + seconds:
        message = consumer.poll(1.0)
        now = time.time()
        if message is None or message.error():
            assert time.monotonic() < begun + PATIENCE_SECONDS, "no record of a window"
            continue
        first = first or time.monotonic()
        window = json.loads(message.value())
        if window["window"] == "10s" and time.monotonic() > first + WARM_UP_SECONDS:
            end = datetime.fromisoformat(window["window_end"] + "+00:00").timestamp()
            found.append(now - end)
    consumer.close()
    return found


def run(settings: Settings, rate: int, seconds: float) -> list[float]:
    """One job from its start to its end."""
    from gatherer.job import build, environment

    topics = settings.topics
    names = [topics.position(symbol) for symbol in SYMBOLS]
    names += [topics.moving_average, topics.signals, topics.dead_letter, topics.limits]
    create(settings.bootstrap_servers, *names)
    stream = environment()
    build(settings, stream)
    job = stream.execute_async(settings.job_name).get_job_id()
    feed = Feed(settings, rate)
    feed.start()
    try:
        return latencies(settings, seconds)
    finally:
        feed.close()
        cancel(str(job))


def measure(rates: list[int], seconds: float, rounds: int, out: Path | None) -> None:
    """Runs in the client process."""
    found: dict[str, list[list[float]]] = {}
    for number in range(rounds):
        for rate in rates:
            for delivery in DELIVERIES:
                name = f"{rate:,} ticks/s, {delivery}"
                settings = Settings.from_environ(
                    {
                        **os.environ,
                        "GATHERER_DELIVERY": delivery,
                        "TOPIC_PREFIX": f"r{number}.{rate}.{delivery}.",
                        "JOB_NAME": f"r{number}.{rate}.{delivery}.gatherer",
                    }
                )
                found.setdefault(name, []).append(run(settings, rate, seconds))
                print(f"{name}: {len(found[name][-1])} records, p99 {p99(found[name][-1]):.2f} s", flush=True)
    report(tables(found), out)


def p99(values: Sequence[float]) -> float:
    """What 99 % are at most, between two of the values if need be."""
    return quantiles(values, n=100, method="inclusive")[-1]


def tables(found: Mapping[str, Sequence[Sequence[float]]]) -> list[Table]:
    """A table for each percentile, from the latencies of each variant and round.

    Five windows end in each second of a round, so one second decides its 99th percentile. A note has that of
    all rounds together.
    """
    notes = {}
    for variant, rounds in found.items():
        together = [each for values in rounds for each in values]
        notes[variant] = f"{p99(together):.2f} s is the p99 of all {len(together):,} records of a run"
    return [
        Table(
            label,
            f"From the end of a window to a consumer, {label}",
            "s",
            True,
            {variant: [of(values) for values in rounds] for variant, rounds in found.items()},
            notes if label == "p99" else {},
        )
        for label, of in (("p50", median), ("p99", p99), ("max", max))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", default="1000,50000", help="ticks per second, with commas between them")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure([int(rate) for rate in args.rates.split(",")], args.seconds, args.rounds, args.json)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "kafka").mkdir()
        servers = stack.enter_context(broker(folder / "kafka")).bootstrap_servers
        environ: dict[str, Any] = client(stack, folder, servers, "latency.")
        argv = [sys.executable, __file__, "--measure", "--rates", args.rates]
        argv += ["--seconds", str(args.seconds), "--rounds", str(args.rounds)]
        argv += ["--json", str(args.json.absolute())] if args.json else []
        subprocess.run(argv, env=environ, check=True)


if __name__ == "__main__":
    main()
