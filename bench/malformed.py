"""Malformed records among many good ones: is each one dead letter, and is every window exact?

    python bench/malformed.py [--ticks 200000] [--bad 4000]

Each of five positions has so many of them. A broker and a Flink are started as for the tests.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from broker import broker  # first: it lets the next ones be found
from client import as_in_tests

from tests.gatherer.bundle import Bundle
from tests.gatherer.malformed import Malformed

SYMBOLS = ["AAPL", "AMZN", "GOOG", "MSFT", "TSLA"]
PATIENCE = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ticks", type=int, default=200_000, help="of each position")
    parser.add_argument("--bad", type=int, default=4_000, help="malformed records of each position")
    args = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="malformed-")))
        (folder / "kafka").mkdir()
        kafka = stack.enter_context(broker(folder / "kafka"))
        flink = as_in_tests(stack, folder / "flink")
        bundle = Bundle(flink, kafka.bootstrap_servers, "malformed")
        start = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
        malformed = Malformed(bundle, SYMBOLS, start, ticks=args.ticks, bad=args.bad)
        began = time.monotonic()
        bundle.app.start(GATHERER_IDLE_TIMEOUT_SECONDS="600")
        stack.callback(bundle.app.stop)
        bundle.app.until_healthy()
        malformed.check(PATIENCE)
        assert bundle.app.stop() == 0, bundle.app.output()
        print(
            f"{len(SYMBOLS) * args.ticks} ticks and {len(SYMBOLS) * args.bad} malformed records: all windows "
            f"and dead letters are exact, {time.monotonic() - began:.0f} s after the job was started"
        )


if __name__ == "__main__":
    main()
