"""Outages that last, on a real bundle: what `pipectl status` says meanwhile, how soon data flow again.

    python bench/outages.py [--only WORDS,...] [--with mysql]

A bundle is deployed in a folder of its own on small file systems, so it needs root. Then each outage of
tests/e2e/outages.py happens in turn. With stores, it is those of the stores that happen, on a large disk. In
the end, every window and dead letter is recomputed from the topics, the generator's counts are compared with
them, and each record with its row in each store. The exit code is 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import broker  # noqa: F401 - first: it lets the next ones be found
import lent
from bundle import bundle

from tests.e2e.chaos import Report, settle
from tests.e2e.conftest import Pipectl
from tests.e2e.ledger import Ledger
from tests.e2e.outages import FRESH_SECONDS, OUTAGES, Outage, Site, live_through, outages_of, small_disks
from tests.e2e.stored import standing_sinks


@lent.or_started("bundle")
def on_small_disks() -> Iterator[Pipectl]:
    """A bundle that runs on disks that may be filled."""
    with ExitStack() as stack:
        user = Pipectl(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outages-"))) / "home")
        stack.callback(user.purge)
        stack.enter_context(small_disks(user.home))
        stack.callback(user.run, "destroy", "--yes", "--purge", code=None)
        user.run("deploy", "--yes")
        yield user


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="words of names, with commas between them")
    parser.add_argument(
        "--fresh", type=float, default=FRESH_SECONDS, help="seconds; a busy machine needs more, such as 15"
    )
    parser.add_argument(
        "--with",
        dest="stores",
        default="",
        metavar="PARTS",
        help="stores that are away: mysql, cassandra, hdfs, with commas between them",
    )
    parser.add_argument("--verbose", action="store_true", help="print all that `pipectl status` said at last")
    args = parser.parse_args()
    stores = args.stores.split(",") if args.stores else []
    known = [each for store in stores for each in outages_of(store)] or OUTAGES
    outages = [each for each in known if any(word in each.name for word in args.only.split(","))]
    if not outages:
        parser.error(f"--only {args.only}: must be words of {', '.join(each.name for each in known)}")
    deployed = bundle("--with", args.stores) if args.stores else on_small_disks()
    with deployed as user:
        exact = try_out(Site(user), outages, fresh=args.fresh, verbose=args.verbose)
    sys.exit(not exact)


def try_out(site: Site, outages: Sequence[Outage], *, fresh: float, verbose: bool = False) -> bool:
    """Let each outage happen, print how it went, and compare everything, also what sinks wrote.

    Returns whether all is as it must be. fresh: up to how many seconds of age a window counts as fresh.
    verbose: print all that `pipectl status` said.
    """
    bad = 0
    with standing_sinks(site.cluster) as sinks, Ledger(site.cluster) as ledger:
        for course in live_through(site, outages, fresh_seconds=fresh, sinks=sinks):
            ok = course.said is not None and course.fresh_after is not None
            bad += not ok
            since = "never" if course.fresh_after is None else f"{course.fresh_after:5.1f} s"
            print(
                f"{course.outage.name:28} {course.outage.seconds:4.0f} s, status says so after "
                f"{course.said_after:5.1f} s, fresh {since} after its end: {course.said or 'NOT SAID'}",
                flush=True,
            )
            if verbose or not ok:
                print(course.last, flush=True)
        report = settle(site.cluster, ledger, Report(), sinks=sinks)
    for line in report.lines():
        print(line)
    return not bad and report.exact


if __name__ == "__main__":
    main()
