"""Kills components of the local cluster with SIGKILL: how long until all positions are fresh again, and why?

    python bench/recovery.py [--rounds 3] [--load 20] [jobmanager taskmanager+broker broker ...]

Run `pipectl deploy` first; PIPECTL_HOME chooses the cluster. A position is fresh again with the first record
of a window that ends after the kill and at most --fresh seconds ago. Each component is killed while all
positions are fresh. The phases are seconds after the kill.
"""

from __future__ import annotations

import argparse
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median

import broker  # noqa: F401 - first: it lets the next ones be found
import psutil

from local_dcos.home import Home, default_home
from tests.e2e.cluster import Cluster
from tests.e2e.freshness import Reader
from tests.gatherer.replay import busy

PHASES = ("task back", "broker up", "REST up", "slots", "job known", "job running", "first", "all fresh")
COMPONENTS = (
    "jobmanager",
    "taskmanager+broker",
    "broker",
    "taskmanager",
    "worker",
    "agent",
    "generator",
    "submitter",
)
GIVE_UP_SECONDS = 180.0
POLL_SECONDS = 0.1


def phases(cluster: Cluster, component: str, before: list[int]) -> Iterator[str]:
    """The phases that are reached now."""
    with suppress(StopIteration, IndexError, OSError, psutil.Error):
        now = set(cluster.victims(component))
        if now and 0 not in now and not now & set(before):
            yield "task back"
    host, _, port = cluster.bootstrap_servers.partition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=0.2):
        yield "broker up"
    if (overview := cluster.ask("/overview")) is None:
        return
    yield "REST up"
    if overview["slots-total"]:
        yield "slots"
    jobs = (cluster.ask("/jobs/overview") or {"jobs": []})["jobs"]
    live = [job for job in jobs if job["state"] in ("RUNNING", "CREATED", "RESTARTING")]
    if not live:
        return
    yield "job known"
    tasks = live[0]["tasks"]
    if live[0]["state"] == "RUNNING" and tasks["running"] == tasks["total"] > 0:
        yield "job running"


def measure(
    cluster: Cluster, reader: Reader, component: str, fresh: float, settle: float
) -> dict[str, float]:
    """Kill a component; the phases in seconds after the kill. `nan` where one was never seen to be away."""
    wait("all positions to be fresh", lambda: reader.all_fresh(0.0, fresh), settle)
    victims = cluster.victims(component)
    killed = time.time()
    cluster.kill(component)
    seen: dict[str, float] = {}
    gone: set[str] = set()
    fresh_since: float | None = None
    while fresh_since is None or time.time() - fresh_since < settle:
        now = time.time()
        reached = set(phases(cluster, component, victims))
        count = reader.fresh(killed, fresh)
        for phase in PHASES[:6]:
            if phase not in reached:
                gone.add(phase)
                seen.pop(phase, None)
            elif phase in gone:
                seen.setdefault(phase, now - killed)
        if count:
            seen.setdefault("first", now - killed)
        if count == len(cluster.positions):
            fresh_since = fresh_since or now
            seen.setdefault("all fresh", now - killed)
        else:  # it was not over
            fresh_since = None
            seen.pop("all fresh", None)
        if now - killed > GIVE_UP_SECONDS:
            raise SystemExit(f"{component}: not all fresh {GIVE_UP_SECONDS:.0f} s after the kill: {seen}")
        time.sleep(POLL_SECONDS)
    return seen


def wait(what: str, done: Callable[[], bool], steady: float) -> None:
    """Return once `done` has been true for `steady` seconds."""
    deadline, since = time.monotonic() + GIVE_UP_SECONDS, None
    while since is None or time.monotonic() - since < steady:
        since = (since or time.monotonic()) if done() else None
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {GIVE_UP_SECONDS:.0f} s for {what}")
        time.sleep(POLL_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("components", nargs="*", choices=[*COMPONENTS, []], help="all when none is named")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fresh", type=float, default=5.0)
    parser.add_argument("--settle", type=float, default=12.0, help="seconds for which they must stay fresh")
    parser.add_argument("--load", type=int, default=0, help="busy processes beside")
    args = parser.parse_args()
    cluster = Cluster(Home(default_home()))
    print(f"{'':19}{'load':>6}" + "".join(f"{phase:>12}" for phase in PHASES), flush=True)
    with Reader(cluster) as reader, busy(args.load):
        for component in args.components or COMPONENTS:
            totals = []
            for _ in range(args.rounds):
                seen = measure(cluster, reader, component, args.fresh, args.settle)
                totals.append(seen["all fresh"])
                load = Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
                cells = "".join(f"{seen[p]:12.1f}" if p in seen else f"{'-':>12}" for p in PHASES)
                print(f"{component:19}{load:>6}{cells}", flush=True)
            print(f"{component:19}median {median(totals):.1f} s", flush=True)


if __name__ == "__main__":
    main()
