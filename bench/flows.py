"""Deploys a bundle with Spark and Cassandra: does every flow bring data, how soon, and in how much memory?

    python bench/flows.py [--set KEY=VALUE ...]

A bundle is deployed in a folder of its own. Memory is what its processes hold together (PSS), sampled all the
time. Then every flow's page is asked for its data, and a second deploy must change nothing and run no job.
`destroy --purge` must leave no process and no folder. The exit code is 1 if anything is not as it must be.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import broker  # noqa: F401 - first: it lets the next ones be found
from lent import ended_by_sigterm
from memory import Memory

from tests.e2e.conftest import Pipectl

PAGE = "service/volatility-dashboard/api/flows"
DEPLOY_SECONDS = 900.0
DATA_SECONDS = 180.0


def check(user: Pipectl, settings: list[str]) -> Iterator[str]:
    """What is not as it must be."""
    more = [word for each in settings for word in ("--set", each)]
    with _timed("deploy"):
        user.run("deploy", "--yes", "--with", "spark,cassandra", *more, timeout=DEPLOY_SECONDS)
    yield from _unhealthy(user)
    yield from _without_data(user)
    yield from _unhealthy(user)
    ran = _last_runs(user)
    with _timed("second deploy"):
        second = user.run("deploy", "--yes", "--with", "spark,cassandra", *more, timeout=DEPLOY_SECONDS)
    print(second.stdout)
    if (runs := _last_runs(user)) != ran:
        yield f"the second deploy ran a job: {ran} became {runs}"
    plan = user.run("plan", *more, code=None)
    if plan.returncode != 0:
        yield f"after a second deploy, plan ends with {plan.returncode}:\n{plan.stdout}"


def _last_runs(user: Pipectl) -> dict[str, str]:
    return {row["job"]: row["at"] for row in user.json("jobs")}


def _unhealthy(user: Pipectl) -> Iterator[str]:
    status = user.run("status", code=None)
    if status.returncode != 0:
        yield f"status ends with {status.returncode}:\n{status.stdout}"


def _without_data(user: Pipectl) -> Iterator[str]:
    """The flows without data, after waiting for them; prints all."""
    deadline = time.monotonic() + DATA_SECONDS
    with _timed("data in every flow"):
        while True:
            flows: list[dict[str, Any]] = user.api(PAGE)["flows"]
            missing = [each for each in flows if each["state"] not in ("live", "past")]
            if not missing or time.monotonic() > deadline:
                break
            time.sleep(1)
    for flow in flows:
        data = user.api(f"{PAGE}/data?flow={flow['name']}")
        counts = {kind: len(data[kind]) for kind in ("values", "windows", "groups") if data[kind]}
        print(f"/{flow['name']:45} {flow['state']:6} {counts}")
        if not counts:
            yield f"/{flow['name']} has no data: {flow['state']}, {flow['text']}"


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", action="append", default=[], help="a setting, KEY=VALUE")
    args = parser.parse_args()
    faults: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(ended_by_sigterm())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="flows-"))
        user = Pipectl(Path(folder) / "home")
        stack.callback(user.purge)
        with Memory(user) as memory:
            faults += check(user, args.set)
        with _timed("destroy"):
            user.run("destroy", "--yes", "--purge")
        if left := user.processes():
            faults.append(f"processes that are left: {[process.cmdline() for process in left]}")
        if user.home.exists():
            faults.append(f"files that are left: {[user.home, *user.home.rglob('*')][:10]}")
    for name, used in sorted(memory.highest.items(), key=lambda each: -each[1]):
        print(f"{name:45} {used:8,.0f} MiB")
    print(f"{'together at their highest':45} {sum(memory.highest.values()):8,.0f} MiB")
    print("\n".join(faults) or "everything is as it must be")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
