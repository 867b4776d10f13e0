"""Kills components of the local cluster with SIGKILL: how long until all positions are fresh again, and why?

    python bench/recovery.py [--rounds 3] [--load 20] [jobmanager taskmanager+broker broker ...]

Run `pipectl deploy` first; PIPECTL_HOME chooses the cluster. A position is fresh again with the first record
of a window that ends after the kill and at most --fresh seconds ago. Each component is killed while all
positions are fresh. The phases are seconds after the kill.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from confluent_kafka import Consumer, TopicPartition

from local_dcos.daemon import start
from local_dcos.home import Home, default_home

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
APPS = {
    "jobmanager": ("flink-jobmanager",),
    "taskmanager": ("flink-taskmanager",),
    "taskmanager+broker": ("flink-taskmanager", "kafka"),
    "broker": ("kafka",),
    "generator": ("data-generator",),
    "submitter": ("gatherer",),
}
GIVE_UP_SECONDS = 180.0
POLL_SECONDS = 0.1


class Cluster:
    """The local cluster, as its state file and its parts' own APIs show it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        env = self.app("gatherer")["definition"]["env"]
        self.bootstrap_servers = str(env["KAFKA_BOOTSTRAP_SERVERS"])
        self.rest = str(env["FLINK_JOBMANAGER_REST"])
        self.flink_token = (home.secrets / "flink-token").read_text().strip()
        self.topic = f"{env['TOPIC_PREFIX']}movingaverage"
        generator = self.app("data-generator")["definition"]["env"]
        self.positions = set(str(generator["POSITIONS"]).split(","))

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self.home.state_file.read_text(encoding="utf-8"))
        return state

    def app(self, name: str) -> dict[str, Any]:
        """The app whose id ends in `name`."""
        apps: list[dict[str, Any]] = self._state()["apps"]
        return next(app for app in apps if app["definition"]["id"].rpartition("/")[2] == name)

    def pid(self, name: str) -> int:
        """The main process of the one task of an app, 0 when none runs."""
        tasks = [task for task in self._state()["tasks"] if task["app_id"].rpartition("/")[2] == name]
        return int(tasks[0]["pid"]) if tasks else 0

    def victims(self, component: str) -> list[int]:
        """The processes that stand for a component."""
        if component == "agent":
            return [int(self.home.cluster()["pid"])]
        if component == "worker":
            children = psutil.Process(self.pid("flink-taskmanager")).children(recursive=True)
            return [child.pid for child in children if "pyflink.fn_execution" in " ".join(child.cmdline())]
        pids = [self.pid(name) for name in APPS[component]]
        # The broker is the child of its service's scheduler.
        return [
            psutil.Process(pid).children()[0].pid if name == "kafka" else pid
            for name, pid in zip(APPS[component], pids, strict=True)
        ]

    def ask(self, path: str) -> Any:
        """What Flink's REST answers, None when it doesn't."""
        try:
            request = urllib.request.Request(
                f"http://{self.rest}{path}", headers={"Authorization": f"Bearer {self.flink_token}"}
            )
            with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def phases(self, component: str, before: list[int]) -> Iterator[str]:
        """The phases that are reached now."""
        with suppress(StopIteration, IndexError, OSError, psutil.Error):
            now = set(self.victims(component))
            if now and 0 not in now and not now & set(before):
                yield "task back"
        host, _, port = self.bootstrap_servers.partition(":")
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=0.2):
            yield "broker up"
        if (overview := self.ask("/overview")) is None:
            return
        yield "REST up"
        if overview["slots-total"]:
            yield "slots"
        jobs = (self.ask("/jobs/overview") or {"jobs": []})["jobs"]
        live = [job for job in jobs if job["state"] in ("RUNNING", "CREATED", "RESTARTING")]
        if not live:
            return
        yield "job known"
        tasks = live[0]["tasks"]
        if live[0]["state"] == "RUNNING" and tasks["running"] == tasks["total"] > 0:
            yield "job running"


class Reader(threading.Thread):
    """Reads `movingaverage` from now on; knows the newest window of each position and when it came."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        # An outage must not be lengthened by the consumer that measures it.
        self._consumer = Consumer(
            {
                "bootstrap.servers": cluster.bootstrap_servers,
                "group.id": "bench",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 100,
                "topic.metadata.refresh.fast.interval.ms": 100,
                "log_level": 0,
                "error_cb": lambda error: None,
            }
        )
        partitions = self._consumer.list_topics(cluster.topic, timeout=10).topics[cluster.topic].partitions
        self._consumer.assign([TopicPartition(cluster.topic, number, -1) for number in partitions])
        self._lock = threading.Lock()
        self._newest: dict[str, tuple[float, float]] = {}
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error():
                continue
            record = json.loads(message.value())
            end = datetime.fromisoformat(record["window_end"]).replace(tzinfo=UTC).timestamp()
            with self._lock:
                known = self._newest.get(record["symbol"], (0.0, 0.0))
                if end > known[0]:
                    self._newest[record["symbol"]] = (end, time.time())
        self._consumer.close()

    def newest(self) -> dict[str, tuple[float, float]]:
        """Of each position, the end of its newest window and when that came."""
        with self._lock:
            return dict(self._newest)


def measure(
    cluster: Cluster, reader: Reader, component: str, fresh: float, settle: float
) -> dict[str, float]:
    """Kill a component; the phases in seconds after the kill. `nan` where one was never seen to be away."""
    wait(
        "all positions to be fresh",
        lambda: _fresh(cluster, reader, 0.0, fresh) == len(cluster.positions),
        settle,
    )
    victims = cluster.victims(component)
    killed = time.time()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    if component == "agent":
        start(cluster.home)
    seen: dict[str, float] = {}
    gone: set[str] = set()
    fresh_since: float | None = None
    while fresh_since is None or time.time() - fresh_since < settle:
        now = time.time()
        reached = set(cluster.phases(component, victims))
        count = _fresh(cluster, reader, killed, fresh)
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


def _fresh(cluster: Cluster, reader: Reader, after: float, fresh: float) -> int:
    now = time.time()
    return sum(
        end > after and now - end <= fresh
        for symbol, (end, _) in reader.newest().items()
        if symbol in cluster.positions
    )


def wait(what: str, done: Callable[[], bool], steady: float) -> None:
    """Return once `done` has been true for `steady` seconds."""
    deadline, since = time.monotonic() + GIVE_UP_SECONDS, None
    while since is None or time.monotonic() - since < steady:
        since = (since or time.monotonic()) if done() else None
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {GIVE_UP_SECONDS:.0f} s for {what}")
        time.sleep(POLL_SECONDS)


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes beside that do nothing but take the CPU."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


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
    reader = Reader(cluster)
    reader.start()
    print(f"{'':19}{'load':>6}" + "".join(f"{phase:>12}" for phase in PHASES), flush=True)
    with busy(args.load):
        for component in args.components or COMPONENTS:
            totals = []
            for _ in range(args.rounds):
                seen = measure(cluster, reader, component, args.fresh, args.settle)
                totals.append(seen["all fresh"])
                load = Path("/proc/loadavg").read_text(encoding="ascii").split()[0]
                cells = "".join(f"{seen[p]:12.1f}" if p in seen else f"{'-':>12}" for p in PHASES)
                print(f"{component:19}{load:>6}{cells}", flush=True)
            print(f"{component:19}median {median(totals):.1f} s", flush=True)
    reader.stop.set()
    reader.join()


if __name__ == "__main__":
    main()
