"""Sends thousands of generated requests to a real page on a real broker: does it still do its work?

    python bench/fuzz_page.py [--requests 20000] [--seed 1]

The page is an app of a local cluster. What is sent, and what must hold of each answer, is that of the tests
(`tests/dashboard/fuzz.py`). After every thousand, a price is written that the page must show, and after every
five thousand once more, from a kill -9 of the page. The first answer that is not what it must be ends the
run, with its request.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from broker import broker


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    from tests.dashboard.conftest import new_feeder
    from tests.dashboard.fuzz import attack
    from tests.dashboard.marathon_page import marathon_page

    with tempfile.TemporaryDirectory() as folder, broker(Path(folder)) as kafka:
        begun = time.monotonic()
        with marathon_page(new_feeder(kafka), Path(folder)) as page:
            fuzz = attack(page, wanted.requests, wanted.seed, per_canary=1000, per_kill=5000)
            healthy, log = page.healthy(), page.log()
    seconds = time.monotonic() - begun
    print(f"seed {wanted.seed}: {fuzz.statuses.total()} requests in {seconds:.0f} s")
    print("statuses:", ", ".join(f"{status}: {count}" for status, count in sorted(fuzz.statuses.items())))
    for what, found in (("a new price", fuzz.canaries), ("one after a kill -9", fuzz.restarts)):
        if found:
            print(
                f"{what} was shown {len(found)} times, "
                f"after {median(found):.2f} s (median) to {max(found):.2f} s"
            )
    print(f"healthy afterwards: {healthy}; tracebacks in its log: {log.count('Traceback')}")


if __name__ == "__main__":
    main()
