"""Measures the commands of `pipectl` on a bundle on this machine, and one command of `dcos`.

    python bench/commands.py [--rounds 2]

In each round, the default bundle is deployed in a folder of its own where no cluster is, looked at, removed,
deployed again beside its cluster, which still runs, and removed with that. What a first deploy on a machine
builds or fetches is there before. A deploy ends when fresh records of every position are there. CPU time is
that of the command and of the processes that it waits for, so not that of what it has started.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import broker  # noqa: F401 - first: it lets the next ones be found
import lent
from results import Table, report

from tests.conftest import install_dcoscli
from tests.e2e.conftest import Pipectl

TIMEOUT_SECONDS = 900.0
DCOS = ("marathon", "app", "list", "--json")
DCOS_CALLS = 5
BUNDLED, PYPI = "client of this project", "PyPI's dcoscli"


@dataclass
class Figures:
    """seconds: by the clock. cpu: seconds, too. Both of each command, one for each round."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, seconds: float, cpu: float) -> None:
        print(f"{name}: {seconds:.2f} s, {cpu:.2f} s of CPU", flush=True)
        self.seconds.setdefault(name, []).append(seconds)
        self.cpu.setdefault(name, []).append(cpu)


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU of the processes that have ended in it."""
    cpu, began = _ended(), time.monotonic()
    act()
    return time.monotonic() - began, _ended() - cpu


def _ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def dcos_clients() -> tuple[dict[str, list[str]], dict[str, str]]:
    """The command of each client, and why there is none of a client."""
    commands = {BUNDLED: [sys.executable, "-m", "local_dcos.client"]}
    try:
        commands[PYPI] = [str(install_dcoscli())]
    except (OSError, subprocess.CalledProcessError) as error:
        return commands, {PYPI: f"no figure: it cannot be installed: {error}"}
    return commands, {}


Figure = tuple[str, str, float, float]
"""The table, the name of the command, seconds, and seconds of CPU."""


def measure_round(user: Pipectl, clients: dict[str, list[str]]) -> Iterator[Figure]:
    """All commands, from a home where no cluster is to one where none is any more."""
    yield pipectl(user, "deploy", "deploy", "--yes")
    yield from measure_looks(user, clients)
    yield pipectl(user, "destroy", "destroy", "--yes")
    yield pipectl(user, "deploy beside a cluster", "deploy", "--yes")
    yield pipectl(user, "destroy --purge", "destroy", "--yes", "--purge")


def measure_looks(user: Pipectl, clients: dict[str, list[str]]) -> Iterator[Figure]:
    """The commands that change nothing, on a bundle that runs."""
    yield pipectl(user, "--help", "--help")
    yield pipectl(user, "deploy without changes", "deploy", "--yes")
    yield pipectl(user, "status", "status")
    environ = {**user.environ, **user.json("cluster", "env"), "DCOS_DIR": str(user.home / "dcos")}
    for client, command in clients.items():
        yield "dcos", client, *_dcos(command, environ)


def pipectl(user: Pipectl, name: str, *words: str) -> Figure:
    return "commands", name, *timed(lambda: user.run(*words, timeout=TIMEOUT_SECONDS))


def _dcos(command: list[str], environ: dict[str, str]) -> tuple[float, float]:
    """The medians of some calls, after one that is not counted."""

    def call() -> None:
        subprocess.run(
            [*command, *DCOS], env=environ, stdout=subprocess.DEVNULL, check=True, timeout=TIMEOUT_SECONDS
        )

    call()
    seconds, cpu = zip(*(timed(call) for _ in range(DCOS_CALLS)), strict=True)
    return median(seconds), median(cpu)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    args = parser.parse_args()
    figures = {"commands": Figures(), "dcos": Figures()}
    clients, notes = dcos_clients()
    if lent.bundle is not None:
        for table, *figure in measure_looks(lent.bundle, clients):
            figures[table].add(*figure)
    else:
        with ExitStack() as stack:
            stack.enter_context(lent.ended_by_sigterm())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="commands-"))
            user = Pipectl(Path(folder) / "home")
            stack.callback(user.purge)
            # What every home shares is built by a round that does not count.
            for number in range(args.rounds + 1):
                for table, *figure in measure_round(user, clients):
                    if number:
                        figures[table].add(*figure)
    commands, dcos = figures["commands"], figures["dcos"]
    shown = " ".join(("dcos", *DCOS))
    report(
        [
            Table("seconds", "Commands of pipectl, by the clock", "s", True, commands.seconds),
            Table("cpu", "Commands of pipectl, CPU", "s", True, commands.cpu),
            Table("dcos", f"{shown}, by the clock", "s", True, dcos.seconds, notes),
            Table("dcos-cpu", f"{shown}, CPU", "s", True, dcos.cpu, notes),
        ],
        args.json,
    )


if __name__ == "__main__":
    main()
