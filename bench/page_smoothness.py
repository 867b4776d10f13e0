"""Measures the live page with many positions and fast prices: animation frames and CPU time.

    python bench/page_smoothness.py [--positions 200] [--rate 10] [--seconds 20] [--rounds 1] [--trace FILE]

A broker as the tests start it, a writer of prices, windows of three lengths and signals, the dashboard as a
process of its own, and headless Chromium (Debian's `chromium`, driven by Playwright). Measured are the times
between animation frames while the overview stands still, while it is scrolled, and on a position's page; an
animation frame is missed when it comes later than 1.5 times the screen's own interval. Waits until the
machine's load is below --load, two minutes at most. --trace keeps Chromium's trace of the first round, for
its developer tools.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil
from broker import broker
from results import Table, report

from kafka_topic.contracts import MovingAverage, Price, Signal
from kafka_topic.names import Topics

ROOT = Path(__file__).resolve().parent.parent
SLIDES = {10: 1, 60: 5, 600: 10}
PREFIX = "page."
SETTLE_SECONDS = 8
RECORD = """
() => {
  const record = (window.record = { frames: [], long: [] });
  const step = now => { record.frames.push(now); if (window.record === record) requestAnimationFrame(step); };
  requestAnimationFrame(step);
  if (!window.longTasks) {
    const note = list => list.getEntries().forEach(one => window.record.long.push(one.duration));
    window.longTasks = new PerformanceObserver(note);
    window.longTasks.observe({ entryTypes: ["longtask"] });
  }
}
"""


def write(servers: str, symbols: Sequence[str], rate: float, stop: threading.Event) -> None:
    """Prices as a random walk, `rate` a second of each position; windows and a signal now and then."""
    from confluent_kafka import Producer

    producer, topics = (
        Producer({"bootstrap.servers": servers, "linger.ms": 5, "enable.idempotence": True}),
        Topics(PREFIX),
    )
    prices, number, due = dict.fromkeys(symbols, 100.0), 0, time.monotonic()
    while not stop.is_set():
        now = datetime.now(UTC)
        for index, symbol in enumerate(symbols):
            prices[symbol] *= 1 + random.gauss(0, 1e-4)
            price = prices[symbol]
            producer.produce(topics.position(symbol), Price(now, symbol, price).to_json(), symbol)
            # The positions' windows end all at once, as the gatherer's do.
            if number % rate == 0:
                for length, slide in SLIDES.items():
                    if number // rate % slide == 0:
                        start, sd = now - timedelta(seconds=length), price * 1e-4 * length**0.5
                        record = MovingAverage(
                            symbol,
                            start,
                            now,
                            100,
                            price,
                            price - 3 * sd,
                            price + 3 * sd,
                            price,
                            sd,
                            100 * sd / price,
                        )
                        producer.produce(topics.moving_average, record.to_json(), symbol)
            if (number + 7 * index) % (20 * rate) == 0:
                signal = Signal(
                    *("anomaly", "above", symbol, now, "10s", None, price, price, price * 0.99),
                    *(None, None, None, "far from the median."),
                )
                producer.produce(topics.signals, signal.to_json(), symbol)
        producer.poll(0)
        number, due = number + 1, due + 1 / rate
        stop.wait(max(0.0, due - time.monotonic()))
    producer.flush(10)


@contextmanager
def dashboard(servers: str, symbols: Sequence[str]) -> Iterator[tuple[str, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **os.environ,
        "HOST": "127.0.0.1",
        "PORT0": str(port),
        "KAFKA_BOOTSTRAP_SERVERS": servers,
        "TOPIC_PREFIX": PREFIX,
        "POSITIONS": ",".join(symbols),
        "JOB_NAME": "bench.gatherer",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard"], env=environ, cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=5).close()  # noqa: S310
                break
            except OSError:
                assert time.monotonic() < deadline, "the dashboard does not answer"
                time.sleep(0.1)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def measure(page: Any, server: psutil.Process, seconds: float, act: Callable[[Any], None]) -> dict[str, Any]:
    """Figures of `seconds` of the page as it is, while `act` is done again and again."""
    session = page.context.new_cdp_session(page)
    # CPU time of the main thread, so that other work on the machine is not counted as ours.
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def costs() -> tuple[float, float, float, float]:
        found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        own = server.cpu_times()
        return found["TaskDuration"], found["ScriptDuration"], own.user + own.system, found["JSHeapUsedSize"]

    before, begun = costs(), time.monotonic()
    page.evaluate(RECORD)
    while time.monotonic() - begun < seconds:
        act(page)
        page.wait_for_timeout(50)
    record = page.evaluate(
        "() => { const found = window.record; window.record = { frames: [], long: [] }; return found; }"
    )
    took, after = time.monotonic() - begun, costs()
    gaps = [b - a for a, b in zip(record["frames"], record["frames"][1:], strict=False)]
    screen = median(gaps)
    cuts = quantiles(gaps, n=100)
    missed = sum(round(gap / screen) - 1 for gap in gaps if gap > 1.5 * screen)
    return {
        "animation_frames_per_second": round(len(gaps) / took, 1),
        "gap_ms": {
            "median": round(screen, 1),
            "p95": round(cuts[94], 1),
            "p99": round(cuts[98], 1),
            "max": round(max(gaps), 1),
        },
        "missed_percent": round(100 * missed / (len(gaps) + missed), 2),
        "long_tasks": len(record["long"]),
        "longest_task_ms": round(max(record["long"], default=0.0)),
        "main_thread_cpu_percent": round(100 * (after[0] - before[0]) / took, 1),
        "main_thread_cpu_ms_per_frame": round(1000 * (after[0] - before[0]) / len(gaps), 2),
        "script_cpu_percent": round(100 * (after[1] - before[1]) / took, 1),
        "heap_mb": round(after[3] / 1e6, 1),
        "server_percent": round(100 * (after[2] - before[2]) / took, 1),
        "server_mb": round(server.memory_info().rss / 1e6),
        "load": round(os.getloadavg()[0], 1),
    }


def scroll() -> Callable[[Any], None]:
    """Down and up again, a card's height at a time."""
    steps = iter(range(10**9))
    return lambda page: page.mouse.wheel(0, 180 if next(steps) // 40 % 2 == 0 else -180)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--positions", type=int, default=200)
    parser.add_argument("--rate", type=int, default=10, help="prices a second of each position")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--load", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium")
    assert executable, "chromium is not installed (Debian: apt-get install chromium)"
    symbols, topics = [f"P{number:03}" for number in range(options.positions)], Topics(PREFIX)
    stop = threading.Event()
    with tempfile.TemporaryDirectory() as folder, broker(Path(folder)) as kafka:
        kafka.create(topics.moving_average, topics.signals, topics.dead_letter, topics.limits)
        kafka.create(*map(topics.position, symbols))
        writer = threading.Thread(target=write, args=(kafka.bootstrap_servers, symbols, options.rate, stop))
        writer.start()
        try:
            with (
                dashboard(kafka.bootstrap_servers, symbols) as (address, server),
                sync_playwright() as driver,
            ):
                # Chromium refuses its sandbox to root; nothing but our own page is opened in it.
                browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1280, "height": 800})
                page.goto(address)
                page.wait_for_selector(".card[data-state=fresh]", timeout=60_000)
                wait_for_quiet(options.load)
                page.wait_for_timeout(SETTLE_SECONDS * 1000)
                if options.trace:
                    browser.start_tracing(page=page, path=options.trace)
                found: dict[str, list[dict[str, Any]]] = {}
                for number in range(options.rounds):
                    for what, figures in views(page, server, options, address, symbols[0]):
                        print(f"{what}: {json.dumps(figures)}", flush=True)
                        found.setdefault(what, []).append(figures)
                    if options.trace and not number:
                        browser.stop_tracing()
                browser.close()
                report(tables(found), options.json)
        finally:
            stop.set()
            writer.join()


def wait_for_quiet(load: float) -> None:
    deadline = time.monotonic() + 120
    while os.getloadavg()[0] > load and time.monotonic() < deadline:
        time.sleep(2)


def views(
    page: Any, server: psutil.Process, options: argparse.Namespace, address: str, symbol: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of each view of the page."""
    page.goto(f"{address}/#/")
    page.wait_for_selector(".card[data-state=fresh]", timeout=60_000)
    page.wait_for_timeout(2000)
    yield "overview", measure(page, server, options.seconds, lambda page: None)
    page.mouse.move(600, 400)
    yield "overview, scrolled", measure(page, server, options.seconds, scroll())
    page.goto(f"{address}/#/position/{symbol}")
    page.wait_for_selector("#windows tbody tr")
    page.wait_for_timeout(2000)
    yield "position", measure(page, server, options.seconds, lambda page: None)


def tables(found: dict[str, list[dict[str, Any]]]) -> list[Table]:
    """found: the figures of each view, one of each round."""

    def rounds(pick: Callable[[dict[str, Any]], float]) -> dict[str, list[float]]:
        return {what: [pick(figures) for figures in each] for what, each in found.items()}

    return [
        Table(
            "frames",
            "Animation frames",
            "per second",
            False,
            rounds(lambda each: each["animation_frames_per_second"]),
        ),
        Table("gaps", "Gap between frames, p99", "ms", True, rounds(lambda each: each["gap_ms"]["p99"])),
        Table("load", "Load of the machine", "processes", True, rounds(lambda each: each["load"])),
    ]


if __name__ == "__main__":
    main()
