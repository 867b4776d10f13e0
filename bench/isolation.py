"""Breaks other positions in many ways while four stay healthy: is any window of these wrong or late?

    python bench/isolation.py [--seconds 60]

Two brokers (for a partition that loses its leader) and a Flink are started as for the tests. The delay of a
window is the time from its end to its arrival at the broker. Readers see it after the next checkpoint. The
exit code is 1 if a window comes too late, or the job fails.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

from broker import brokers  # first: it lets the next ones be found
from client import as_in_tests

from tests.gatherer.exact import epoch_ms, key_of
from tests.gatherer.flink import wait_until
from tests.gatherer.isolation import CODECS, HEALTHY, Troubles, healthy
from tests.gatherer.model import check_letters, check_windows

LATEST_SECONDS = 20.0
"""Far less than any stop of the job takes, far more than a busy machine delays a window."""
LEAST_WINDOWS = 80
"""Of the healthy positions, in all that happens."""


def delays(troubles: Troubles, since: datetime, until: datetime) -> list[float]:
    """Of the windows of the healthy positions that end in this time; seconds."""
    found = []
    for message in troubles.bundle.records("movingaverage"):
        symbol, _, end = key_of(json.loads(message.value()))
        if symbol in HEALTHY and since < end <= until:
            found.append((message.timestamp()[1] - epoch_ms(end)) / 1000)
    return found


def measure(troubles: Troubles, seconds: float) -> list[tuple[str, datetime]]:
    """Let everything happen, each with this much time after it; what, and when it began."""
    began = [("nothing", datetime.now(UTC))]
    time.sleep(seconds)
    for trouble in (*troubles.each, troubles.mended):
        began.append((trouble.__name__, datetime.now(UTC)))
        trouble()
        done = time.monotonic()
        troubles.until_named()
        print(f"{trouble.__name__:12} named {time.monotonic() - done:4.1f} s later: {troubles.metadata()}")
        time.sleep(seconds)
    return [*began, ("", datetime.now(UTC))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60, help="of nothing else, at first and in between")
    seconds = parser.parse_args().seconds
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        first, second = stack.enter_context(brokers(folder))
        flink = as_in_tests(stack, folder / "flink")
        troubles = stack.enter_context(healthy(flink, first, second))
        bundle = troubles.bundle

        job = bundle.app.health()["job_id"]
        began = measure(troubles, seconds)
        # What is read goes on, or goes on again.
        read = {*(codec.upper() for codec in CODECS), "AGAIN", "LOST", "CORRUPT", "DENIED", "LEADERLESS"}
        for symbol in (*HEALTHY, *read):
            troubles.until_written(symbol, datetime.now(UTC))
        troubles.market.close()
        began[-1] = "", datetime.now(UTC)
        owed = troubles.owed()
        due = set().union(*(outcome.due() for outcome in owed.values()))
        wait_until(lambda: {key_of(each) for each in bundle.so_far()} >= due, "all windows")
        assert bundle.app.health()["job_id"] == job
        failures = flink.rest(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
        assert bundle.app.stop() == 0
        assert troubles.topic("GONE") not in first.topics()
        assert set(owed["AHEAD"].letters.values()) == {"future"} and not owed["AHEAD"].windows

        print(f"\n{'':12} {'windows':>8} {'median':>8} {'99 %':>8} {'latest':>8}   s after their end")
        late: list[float] = []
        for (name, since), (_, until) in itertools.pairwise(began):
            found = delays(troubles, since, until)
            late += found
            if len(found) > 1:
                figures = median(found), quantiles(found, n=100)[98], max(found)
                print(f"{name:12} {len(found):8,}", *(f"{figure:8.2f}" for figure in figures))
        check_windows(bundle.averages(), owed.values(), due)
        check_letters((json.loads(each.value()) for each in bundle.records("dead_letter")), owed.values())
        print(f"{len(due):,} windows of {len(owed)} positions as the model says, {len(failures)} failures")
        assert len(late) > LEAST_WINDOWS, len(late)
        sys.exit(bool(failures) or max(late) > LATEST_SECONDS)


if __name__ == "__main__":
    main()
