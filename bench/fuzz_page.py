"""Sends thousands of generated requests to a real page on a real broker.

    python bench/fuzz_page.py [--requests 20000] [--seed 1]

What is sent, and what must hold of each answer, is that of the tests (`tests/dashboard/fuzz.py`). The first
answer that is not what it must be ends the run, with its request.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from broker import broker

from kafka_topic.names import Topics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    from tests.dashboard.conftest import POSITIONS, App
    from tests.dashboard.fuzz import SECRET, attack

    topics = Topics("fuzz.")
    with tempfile.TemporaryDirectory() as folder, broker(Path(folder)) as kafka:
        kafka.create(topics.moving_average, topics.signals, topics.dead_letter, topics.limits)
        kafka.create(*map(topics.position, POSITIONS))
        environ = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "TOPIC_PREFIX": "fuzz.",
            "POSITIONS": ",".join(POSITIONS),
            "JOB_NAME": "fuzz.gatherer",
            "PROXY_SECRET": SECRET,
        }
        app = App(environ, Path(folder) / "page.log")
        app.start()
        begun = time.monotonic()
        try:
            fuzz = attack(app.port, wanted.requests, wanted.seed)
            healthy = app.get("/health")[0] == 200
        finally:
            app.kill()
        log = app.said()
    seconds = time.monotonic() - begun
    print(f"seed {wanted.seed}: {sum(fuzz.statuses.values())} requests in {seconds:.0f} s")
    print("statuses:", ", ".join(f"{status}: {count}" for status, count in sorted(fuzz.statuses.items())))
    print(f"healthy afterwards: {healthy}; tracebacks in its log: {log.count('Traceback')}")


if __name__ == "__main__":
    main()
