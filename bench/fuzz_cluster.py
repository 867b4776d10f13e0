"""Sends thousands of generated requests to a real local cluster: does an app still run afterwards?

    python bench/fuzz_cluster.py [--requests 20000] [--seed 1]

What is sent, and what must hold of each answer, is that of the tests (`tests/local_dcos/fuzz.py`). A
canary app is added after every hundred, and again after a kill -9 of the agent after every thousand. Then
the arguments and environments of all processes, and all files of the cluster, are searched for a secret that
was planted in it. The first answer that is not what it must be ends the run, with its request.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import broker  # noqa: F401 - first: it lets the next ones be found

from tests.local_dcos.conftest import Cluster
from tests.local_dcos.fuzz import attack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder) / "cluster")
        try:
            fuzz = attack(cluster, wanted.requests, wanted.seed, per_canary=100, per_kill=1000)
            agent_log = (cluster.home / "agent.log").read_text(errors="replace")
        finally:
            cluster.local_dcos("purge")
    canaries = fuzz.canary_seconds
    print(f"seed {wanted.seed}: {sum(fuzz.statuses.values())} requests in {time.monotonic() - begun:.0f} s")
    print("statuses:", ", ".join(f"{status}: {count}" for status, count in sorted(fuzz.statuses.items())))
    print(f"canaries: {len(canaries)}, seconds median {median(canaries):.2f}, worst {max(canaries):.2f}")
    print(f"tracebacks in the agent's log: {agent_log.count('Traceback')}")


if __name__ == "__main__":
    main()
