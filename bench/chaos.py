"""Kills components of the local cluster at random under load: is anything missing, doubled, wrong or lost?

    python bench/chaos.py [--kills 50] [--seed 1] [--minutes 10] [--rate 50] [--busy 30] [--with mysql]

A bundle is deployed in a folder of its own, which is removed afterwards. SIGKILL hits the generator, the
submitter, the TaskManager, its Python worker, the JobManager, the broker and the agent, now and then several
at once or during a recovery. With stores, it hits them and their sinks too. Then the load stops, every window
and dead letter is recomputed from the topics, the generator's counts are compared with them, and each record
with its row in each store. A recovery is the time from a kill to fresh records of all positions, in the topic
and in each store. The exit code is 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import math
import sys
from contextlib import ExitStack

from bundle import bundle  # first: it lets the next ones be found

from local_dcos.home import Home
from tests.e2e.chaos import Chaos, reboot
from tests.e2e.cluster import Cluster
from tests.e2e.stored import standing_sinks
from tests.gatherer.replay import busy


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="no kill comes later")
    parser.add_argument("--rate", type=int, default=50, help="ticks per second and position")
    parser.add_argument("--busy", type=int, default=0, help="processes beside that take all the CPU they get")
    parser.add_argument(
        "--fresh", type=float, default=5.0, help="seconds; a busy machine needs more, such as 15"
    )
    parser.add_argument(
        "--patience", type=float, default=180.0, help="seconds for a recovery; a busy machine needs more"
    )
    parser.add_argument("--reboot", action="store_true", help="in the end, kill all at once and deploy again")
    parser.add_argument(
        "--with",
        dest="stores",
        default="",
        metavar="PARTS",
        help="stores to fill and to kill: mysql, cassandra, hdfs, with commas between them",
    )
    args = parser.parse_args()
    stores = ["--with", args.stores] if args.stores else []
    if "cassandra" in args.stores.split(","):
        # Spark would take the CPU from all others.
        stores += ["--skip", "stream-to-cassandra"]
    waits = [f"--set=timeouts.{each}={args.patience:.0f}s" for each in ("app", "package")]
    settings = [f"--set=generator.rate={args.rate}", *waits]
    with bundle(*stores, *settings, timeout=4 * args.patience) as user, ExitStack() as crowd:
        crowd.enter_context(busy(args.busy))

        def finish() -> None:
            if args.reboot:
                reboot(user, *stores, *settings)
            # The busy processes would only slow down what is compared afterwards.
            crowd.close()

        cluster = Cluster(Home(user.home / "cluster"))
        with standing_sinks(cluster) as sinks:
            chaos = Chaos(cluster, args.seed, sinks=sinks, fresh=args.fresh, say=_say)
            report = chaos.run(
                args.kills,
                seconds=60 * args.minutes,
                patience=args.patience,
                then=finish,
            )
    for line in report.lines():
        print(line)
    sys.exit(not report.exact)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
