"""Measures the memory of the bundle on this machine, by process.

    python bench/memory.py [--with spark,cassandra] [--set a.b=c] [--open ann,ben] [--rounds 5] [--seconds 60]

The default bundle is deployed in a folder of its own, with the optional parts that --with names. `webhook`
posts to this program. With `--open`, these users of the notebooks each open theirs. After `--seconds`, its
memory is looked at once a round, ten seconds apart: what each process holds, with its part of what it shares
with others (PSS).
"""

from __future__ import annotations

import argparse
import asyncio
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
from bundle import bundle  # first: it lets the next ones be found
from results import Table, report

from notebooks.remote import browser, server_behind
from tests.e2e.conftest import Pipectl
from tests.stores.sinks.receiver import Receiver

SAMPLE_SECONDS = 2.0
ROUND_SECONDS = 10.0


def held(user: Pipectl) -> dict[str, float]:
    """MiB (PSS) of a user's processes, by what they are."""
    used: dict[str, float] = {}
    for process in user.processes():
        with suppress(psutil.Error):
            name = _name(process.cmdline())
            used[name] = used.get(name, 0.0) + process.memory_full_info().pss / 2**20
    return used


class Memory(threading.Thread):
    """Samples the memory of a user's processes until the block ends. highest: in MiB, by what they are."""

    def __init__(self, user: Pipectl) -> None:
        super().__init__(daemon=True)
        self._user, self._end = user, threading.Event()
        self.highest: dict[str, float] = {}

    def run(self) -> None:
        while not self._end.wait(SAMPLE_SECONDS):
            used = held(self._user)
            if sum(used.values()) > sum(self.highest.values()):
                self.highest = used

    def __enter__(self) -> Memory:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()


def _name(command: list[str]) -> str:
    """The module of Python, or the main class of Java."""
    if not command:
        return "ended"
    if "-m" in command:
        return command[command.index("-m") + 1]
    words = [word for word in command[1:] if "." in word and "/" not in word and not word.startswith("-")]
    return words[0].rpartition(".")[2] if words else Path(command[0]).name


def open_notebooks(user: Pipectl, name: str) -> None:
    """Sign in as one of several users, whose server starts then."""
    link = user.run("open", "notebooks", "--user", name).stdout.split()[0]

    async def wait_for_server() -> None:
        async with browser() as session:
            await server_behind(session, link)

    asyncio.run(wait_for_server())


def looks_at(args: argparse.Namespace, options: tuple[str, ...]) -> list[dict[str, float]]:
    """What the processes of a bundle hold, a few times. options: of its deploy."""
    looks = []
    with bundle(*options) as user:
        for name in args.people.split(",") if args.people else ():
            open_notebooks(user, name)
        time.sleep(args.seconds)
        for number in range(args.rounds):
            if number:
                time.sleep(ROUND_SECONDS)
            looks.append(held(user))
    return looks


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--with", dest="parts", help="optional parts, with commas between them")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="a setting; may repeat")
    parser.add_argument("--open", dest="people", help="users of the notebooks, with commas between them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="between the deploy and the first look")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    args = parser.parse_args()
    parts = ("--with", args.parts) if args.parts else ()
    with Receiver() as receiver:
        settings = (*args.settings, f"webhook.url={receiver.url}")
        looks = looks_at(args, (*parts, *(f"--set={each}" for each in settings)))
    names = sorted(looks[-1], key=lambda name: -looks[-1][name])
    rounds = {
        "all together": [sum(look.values()) for look in looks],
        **{name: [look.get(name, 0.0) for look in looks] for name in names},
    }
    report([Table("memory", "Memory of the bundle", "MiB", True, rounds)], args.json)


if __name__ == "__main__":
    main()
