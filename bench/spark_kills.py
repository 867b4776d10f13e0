"""Kills Spark's worker under load: does the stream store every record and window exactly once?

    python bench/spark_kills.py [--kills 5] [--ticks 6000]

A broker, a standalone cluster and the app that stores prices run as on a cluster. The worker and its
executors are killed while records are on their way, and started again. In the end, the store is compared with
what was sent. It fails if a row is missing, doubled or wrong.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from broker import broker  # first: it lets the next ones be found

from tests.spark_jobs.standalone import Standalone
from tests.spark_jobs.test_stream import CLOSING, check, record, rows_stored, send, ticks, windows
from tests.spark_jobs.test_streams import Driver

PATIENCE = 600.0
LEAST_LEFT = 20
"""Records that are on their way when the worker is killed, at least."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--ticks", type=int, default=6000)
    args = parser.parse_args()
    given = [*ticks(args.ticks), *[CLOSING] * 3]
    share = args.ticks // (args.kills + 1)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spark-kills-")))
        (folder / "kafka").mkdir()
        kafka = stack.enter_context(broker(folder / "kafka"))
        kafka.create("prices", partitions=3)
        cluster = Standalone(folder)
        stack.callback(cluster.stop)
        cluster.start("master")
        cluster.start("worker")
        root = folder / "store"
        driver = Driver(
            folder,
            {
                **cluster.variables,
                "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
                "STREAMS": "prices=prices",
                # What is sent at once spans minutes, and the partitions need not be read in step.
                "STREAM_DELAY": "30m",
                "STREAM_INTERVAL": "1s",
                "STORE": f"disk:{root}",
                "CHECKPOINTS": str(folder / "checkpoints"),
            },
        )
        stack.callback(driver.kill)

        def wait_for(rows: int, flow: str = "prices") -> None:
            deadline = time.monotonic() + PATIENCE
            while (found := rows_stored(root, flow)) < rows:
                driver.revive()
                assert time.monotonic() < deadline, (
                    f"{found} of {rows} rows of {flow} in time:\n{driver.said()}"
                )
                time.sleep(0.05)

        for number in range(args.kills):
            begin, middle = number * share, number * share + share // 2
            send(kafka, "prices", map(record, given[begin:middle]))
            wait_for(middle - LEAST_LEFT)
            send(kafka, "prices", map(record, given[middle : begin + share]))
            began = time.monotonic()
            cluster.kill("worker")
            cluster.start("worker")
            wait_for(begin + share)
            print(
                f"{number + 1:3} worker: all records stored after {time.monotonic() - began:.1f} s",
                flush=True,
            )
        send(kafka, "prices", map(record, given[args.kills * share :]))
        wait_for(len(given))
        wait_for(len(windows(given)), "prices-statistics")
        check(root, given)
    print(f"{len(given)} records and {len(windows(given))} windows: missing 0, doubled 0, wrong 0")


if __name__ == "__main__":
    main()
